/** What the package of the bot says of itself: its version, where its files are on GitHub, and what is new in it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'

const Package = z.object({
  version: z.string(),
  repository: z.object({ url: z.string() }).optional(),
})

/** The built files stand one or two folders below it. */
function packageFolder(folder = import.meta.dirname): string {
  return existsSync(join(folder, 'package.json')) ? folder : packageFolder(dirname(folder))
}

const folder = packageFolder()
const { version, repository } = Package.parse(
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')),
)

export { version }

/** Where GitHub has a file of this version, or shows it. A package that was never published names no repository. */
export function addressOf(path: string, url = repository?.url): string | undefined {
  const [, name] = /github\.com\/([^/]+\/[^/]+?)(?:\.git)?$/.exec(url ?? '') ?? []
  if (name === undefined) return undefined
  return path.endsWith('.md')
    ? `https://github.com/${name}/blob/v${version}/${path}`
    : `https://raw.githubusercontent.com/${name}/v${version}/${path}`
}

/**
 * Remembers in the data folder which version used it last.
 * @returns after a change of it, what the changelog says of what came since
 */
export function newsSinceLastTime(dataDir: string): string | undefined {
  const file = join(dataDir, 'bot-version')
  const last = existsSync(file) ? readFileSync(file, 'utf8') : version
  writeFileSync(file, version)
  if (last === version) return undefined
  const [, ...sections] = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8').split(/^(?=## )/m)
  const known = sections.findIndex(section => section.startsWith(`## ${last}\n`))
  const news = sections.slice(0, known === -1 ? 0 : known).join('')
  return `this is version ${version}, and the last one here was ${last}\n\n${news}`.trim()
}
