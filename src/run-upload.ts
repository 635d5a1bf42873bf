import type { Host } from './adapters/actions-host.ts';
import type { Inputs } from './inputs.ts';
import type { Outcome } from './modes/outcome.ts';
import type { UploadRequest } from './modes/upload.ts';
import type { Ports } from './ports.ts';
import { commonRequest } from './requests.ts';

/** Runs the mode `upload`. */
export async function runUpload(inputs: Inputs, host: Host, ports: Ports): Promise<Outcome> {
  const { upload } = await import('./modes/upload.ts');
  return upload(await uploadRequest(inputs, host), ports);
}

async function uploadRequest(inputs: Inputs, host: Host): Promise<UploadRequest> {
  const { contentTypeOf } = await import('./adapters/content-type.ts');
  const { ifNoFilesFound, overwrite, contentType, cacheControl, metadata } = inputs.upload;
  return {
    ...commonRequest(inputs, host),
    ifNoFilesFound,
    overwrite,
    selection: inputs.selection,
    settings: { contentType: (path) => contentType ?? contentTypeOf(path), cacheControl, metadata },
  };
}
