import { constants } from 'node:fs';

/** No link is followed (not there on Windows), and a pipe in place of the file must not block the open. */
export const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
