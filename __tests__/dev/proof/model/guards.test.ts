import { describe, expect, it } from '@jest/globals';
import { withoutGuard } from '../../../../dev/proof/model/guards.ts';

const SOURCE = `
export function judge(record: Found, seen: Found): boolean {
  if (record.etag !== seen.etag) return false;
  return isLive(record);
}
`;
const GUARD = {
  guard: 'ETags are compared',
  text: 'if (record.etag !== seen.etag) return false;',
  replacement: "if (record.etag === '') return false;",
};

function without(source: string, change: Partial<typeof GUARD & { within: string }> = {}, path = 'src/a.ts'): string {
  return withoutGuard(new Map([[path, source]]), { ...GUARD, ...change }).mutated;
}

describe('a guard', () => {
  it('is removed, whichever file it is in', () => {
    expect(without(SOURCE)).toContain("{\n  if (record.etag === '') return false;\n  return isLive(record);");
    const sources = new Map([
      ['src/other.ts', 'export const NAME = `a`;'],
      ['src/moved/b.ts', SOURCE],
    ]);
    expect(withoutGuard(sources, GUARD)).toMatchObject({ path: 'src/moved/b.ts', original: SOURCE });
  });

  it.each([
    [
      'formatted otherwise',
      SOURCE.replace('if (record.etag !== seen.etag)', 'if (\n    record.etag !==\n    seen.etag // why\n  )'),
    ],
    ['commented', SOURCE.replace('if (', '/* a / b */ if (')],
  ])('is found when it is %s', (_, source) => {
    expect(without(source)).toContain("if (record.etag === '') return false;");
  });

  it('is found under other names of its local variables, which its replacement then uses', () => {
    const source = SOURCE.replaceAll('record', 'claim').replaceAll('seen', 'listed');
    expect(without(source)).toContain("if (claim.etag === '') return false;");
  });

  it.each([
    ['another property', SOURCE.replace('seen.etag', 'seen.size')],
    ['one variable in place of two', SOURCE.replace('seen.etag', 'record.etag')],
    ['nothing of it', 'export const a = 1;'],
  ])('is not found in %s', (_, source) => {
    expect(() => without(source)).toThrow("The guard 'ETags are compared' is found 0 times");
  });

  it('that occurs twice is found by the function it is in', () => {
    const twice = SOURCE + SOURCE.replace('judge', 'judgeAgain');
    expect(() => without(twice)).toThrow('is found 2 times (src/a.ts:3, src/a.ts:8)');
    expect(without(twice, { within: 'judgeAgain' }).split("record.etag === ''")).toHaveLength(2);
  });

  it('may be a template, or be next to one', () => {
    const source = 'const line = `$' + '{printable(path)} of it`;\nif (path.length / 2 > most) throw line;\n';
    expect(without(source, { text: 'if (path.length / 2 > most) throw line;', replacement: '' })).not.toContain(
      'throw',
    );
  });
});
