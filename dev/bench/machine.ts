import { cpus, totalmem, version } from 'node:os';

const GB = 1e9;

/** The machine and its software, in one line. */
export function describeMachine(): string {
  const [first, ...others] = cpus();
  const memory = `${(totalmem() / GB).toFixed(0)} GB`;
  return `${others.length + 1} × ${first?.model ?? 'an unknown processor'}, ${memory}, ${process.platform} ${version()}`;
}
