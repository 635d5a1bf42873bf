// What dist/ is built from: each of its entries starts one of these, which loads what that one needs.

export async function action(): Promise<void> {
  await (await import('./action.ts')).action();
}

export async function cli(): Promise<void> {
  await (await import('./cli.ts')).cli();
}
