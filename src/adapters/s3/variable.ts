/** An environment variable without the spaces and line ends around it, which secrets are often pasted with; empty is unset. */
export function variable(name: string): string | undefined {
  return process.env[name]?.trim() || undefined;
}
