import type { Host } from './adapters/actions-host.ts';
import { contentTypeOf } from './adapters/content-type.ts';
import type { Inputs } from './inputs.ts';
import type { Outcome } from './modes/outcome.ts';
import { type UploadRequest, upload } from './modes/upload.ts';
import type { Ports } from './ports.ts';
import { commonRequest } from './requests.ts';

/** Runs the mode `upload`. */
export function runUpload(inputs: Inputs, host: Host, ports: Ports): Promise<Outcome> {
  return upload(uploadRequest(inputs, host), ports);
}

function uploadRequest(inputs: Inputs, host: Host): UploadRequest {
  const { ifNoFilesFound, overwrite, contentType, cacheControl, metadata } = inputs.upload;
  return {
    ...commonRequest(inputs, host),
    ifNoFilesFound,
    overwrite,
    selection: inputs.selection,
    settings: { contentType: (path) => contentType ?? contentTypeOf(path), cacheControl, metadata },
  };
}
