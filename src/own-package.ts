/** What the package of the bot says of itself: its version, and where its files are on GitHub. */
import { existsSync, readFileSync } from 'node:fs'
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

const { version, repository } = Package.parse(
  JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8')),
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
