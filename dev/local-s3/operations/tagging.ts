import { emptyReply, type Reply, xmlReply } from '../reply.ts';
import type { Context } from '../service.ts';
import type { StoredObject, Tag } from '../stored-object.ts';
import { checkTags } from '../write-attributes.ts';
import { childrenOf, childText, element, leaf, parseXml, xmlDocument } from '../xml.ts';
import { findObject, requestBucket, requestKey } from './find-object.ts';

export function getTagging(context: Context): Reply {
  const tags = target(context).tags.map(({ key, value }) => element('Tag', leaf('Key', key), leaf('Value', value)));
  return xmlReply(xmlDocument('Tagging', element('TagSet', ...tags)));
}

export function putTagging(context: Context): Reply {
  const document = parseXml(context.body.content.text());
  const nodes = childrenOf(document, 'TagSet').flatMap((set) => childrenOf(set, 'Tag'));
  const tags = nodes.map((node) => ({ key: childText(node, 'Key') ?? '', value: childText(node, 'Value') ?? '' }));
  setTags(context, checkTags(tags));
  return emptyReply(200);
}

export function deleteTagging(context: Context): Reply {
  setTags(context, []);
  return emptyReply(204);
}

function target(context: Context): StoredObject {
  const { versionId } = context.request.query;
  return findObject(context, { bucket: requestBucket(context), key: requestKey(context), versionId });
}

function setTags(context: Context, tags: readonly Tag[]): void {
  requestBucket(context).replace({ ...target(context), tags });
}
