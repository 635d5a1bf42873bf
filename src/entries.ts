// The roots of the bundle: dist/index.js calls one of these, dist/cli.js the other. Each loads only its own code.

export async function action(): Promise<void> {
  await (await import('./action.ts')).action();
}

export async function cli(): Promise<void> {
  await (await import('./cli.ts')).cli();
}
