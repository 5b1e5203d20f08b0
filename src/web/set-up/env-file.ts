/** The `.env` that the set-up writes; comments and order of one that is there stay. */
import { randomUUID } from 'node:crypto'
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'

export async function writeEnv(path: string, values: Record<string, string>): Promise<void> {
  const before = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const aside = `${path}.${randomUUID().slice(0, 8)}`
  try {
    await writeFile(aside, withValues(before, values), { mode: 0o600, flag: 'wx' })
    // The umask may have removed bits.
    await chmod(aside, 0o600)
    await rename(aside, path)
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
}

/** A value replaces the line of its name, commented out or not; new names go to the end. */
export function withValues(text: string, values: Record<string, string>): string {
  const left = new Map(Object.entries(values))
  const entries = entriesOf(text)
  const inForce = new Set(entries.filter(({ live }) => live).map(({ name }) => name))
  const lines = entries.map(({ name, raw, live }) => {
    const value = name === undefined ? undefined : left.get(name)
    if (name === undefined || value === undefined || (!live && inForce.has(name))) return raw
    left.delete(name)
    return assigned(name, value)
  })
  while (lines.at(-1) === '') lines.pop()
  return `${[...lines, ...[...left].map(([name, value]) => assigned(name, value))].join('\n')}\n`
}

interface Entry {
  raw: string
  name: string | undefined
  live: boolean
}

const assignment = /^(# ?)?(?:export )?([A-Z][A-Z0-9_]*)=(.*)$/

/** A quoted value may span lines, as a private key does. */
function entriesOf(text: string): Entry[] {
  const lines = text === '' ? [] : text.replace(/\r\n/g, '\n').split('\n')
  const entries: Entry[] = []
  for (let index = 0; index < lines.length; index++) {
    let raw = lines[index] ?? ''
    const match = assignment.exec(raw)
    if (!match) {
      entries.push({ raw, name: undefined, live: false })
      continue
    }
    const [, comment, name, value = ''] = match
    const quote = /^["'`]/.exec(value)?.[0]
    if (comment === undefined && quote !== undefined && !value.slice(1).includes(quote))
      while (index + 1 < lines.length) {
        const next = lines[++index] ?? ''
        raw += `\n${next}`
        if (next.includes(quote)) break
      }
    entries.push({ raw, name, live: comment === undefined })
  }
  return entries
}

/** In double quotes, Node turns backslash and n into a line break, and unescapes nothing else. */
function assigned(name: string, value: string): string {
  if (/^[\w./:@+=,-]*$/.test(value)) return `${name}=${value}`
  return value.includes('"') ? `${name}='${value}'` : `${name}="${value.replaceAll('\n', '\\n')}"`
}
