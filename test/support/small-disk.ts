/** A disk of its own, in memory; only root may have one. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk {
  path: string
  fill(): Promise<void>
  empty(): Promise<void>
  remove(): void
}

export function smallDisk(megabytes: number): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'small-disk-'))
  const filler = join(path, 'filler')
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'small', path], {
      stdio: 'ignore',
    })
  } catch {
    rmdirSync(path)
    console.log('skipped: no small disk can be mounted here')
    return undefined
  }
  return {
    path,
    fill: () => writeFile(filler, Buffer.alloc(megabytes * 2 ** 20)).catch(() => {}),
    empty: () => rm(filler),
    remove() {
      execFileSync('umount', ['-l', path])
      rmdirSync(path)
    },
  }
}
