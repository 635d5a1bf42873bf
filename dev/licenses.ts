import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const PACKAGE_FOLDER = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/;
const LICENSE_FILE = /^licen[cs]e/i;

interface PackageLicense {
  /** Name and version. */
  readonly title: string;
  readonly spdx: string;
  readonly text: string;
}

/**
 * The licences of all packages in a bundle; packages with the same text share it.
 *
 * @param moduleIds paths of the bundled modules
 */
export async function licensesOf(moduleIds: Iterable<string>): Promise<string> {
  const folders = new Set([...moduleIds].flatMap((id) => PACKAGE_FOLDER.exec(id.replaceAll('\0', ''))?.[0] ?? []));
  const licenses = await Promise.all([...folders].map(readLicense));
  const byText = Map.groupBy(licenses, ({ spdx, text }) => `${spdx}\n\n${text}`);
  const sections = [...byText].map(([text, packages]) => `${titles(packages)}\n${text}\n`);
  return sections.sort().join(`\n${'-'.repeat(80)}\n\n`);
}

function titles(packages: readonly PackageLicense[]): string {
  return packages
    .map(({ title }) => title)
    .sort()
    .join('\n');
}

async function readLicense(folder: string): Promise<PackageLicense> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const file = (await readdir(folder)).find((candidate) => LICENSE_FILE.test(candidate));
  const text = file === undefined ? 'The package has no licence file.' : await readFile(join(folder, file), 'utf8');
  return { title: `${name} ${version}`, spdx: String(license), text: text.replaceAll('\r\n', '\n').trim() };
}
