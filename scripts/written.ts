/** Files that a script writes, whole or in part: `docs.test.ts` demands that they are as it would write them now. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** @param before the file as it is, or nothing */
export type Written = readonly (readonly [path: string, text: (before: string) => string])[]

export function writeAll(files: Written): void {
  for (const [path, text] of files) {
    const file = join(root, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text(existsSync(file) ? readFileSync(file, 'utf8') : ''))
  }
}
