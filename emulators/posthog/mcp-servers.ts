/** The two lists of MCP servers in the body of a run, with their rules [R, E]. */
import { char, checked, choice, fail, list, nested, nullable, required } from './fields.ts'
import { dumpedLength } from './python.ts'

const most = 20
const name = required(char({ max: 64 }))
const url = checked(char({ max: 2_048 }), text => (isUrl(text) ? text : fail('Enter a valid URL.')))
const header = nested({
  name: required(char({ max: 256 })),
  value: required(char({ max: 4_096, blank: true, whole: true })),
})

function isUrl(text: string): boolean {
  return /^(?:https?|ftps?):\/\/(?:[^\s/@]+@)?(?:localhost|[\w-]+(?:\.[\w-]+)+|\[[\da-f:.]+\])(?::\d{1,5})?(?:[/?#]\S*)?$/i.test(
    text,
  )
}

interface Server {
  name?: string
}

function distinct<T extends Server>(servers: T[]): T[] {
  const seen = new Set<string>()
  for (const server of servers) {
    const given = server.name ?? ''
    const key = given.toLowerCase()
    if (key === 'posthog') fail(`'${given}' is a reserved MCP server name.`)
    if (seen.has(key)) fail(`Duplicate MCP server name: '${given}'.`)
    seen.add(key)
  }
  return servers
}

const importedEntry = nested({
  type: required(choice(['http', 'sse'])),
  name,
  url: required(url),
  headers: list(header),
})

/** Its number is checked before its entries. */
const importedList = {
  required: false,
  read(raw: unknown) {
    if (Array.isArray(raw) && raw.length > most) fail(`At most ${most} imported MCP servers are allowed.`)
    const servers = distinct(list(importedEntry).read(raw))
    const stored = servers.map(server => ({ ...server, headers: server.headers ?? [] }))
    if (dumpedLength(stored) > 32_768) fail('Imported MCP servers payload is too large.')
    return servers
  },
}

export const importedServers = nullable(importedList)

export const relayedServers = nullable(
  checked(list(nested({ name })), servers => {
    if (servers.length > most) fail(`At most ${most} relayed MCP servers are allowed.`)
    return distinct(servers)
  }),
)

/** Both lists feed one namespace. */
export function checkCollision(
  relayed: readonly Server[] | null | undefined,
  imported: readonly Server[] | null | undefined,
): void {
  const names = new Set(imported?.map(server => server.name?.toLowerCase()))
  const twice = relayed?.find(server => names.has(server.name?.toLowerCase()))
  if (twice)
    fail(
      `Relayed MCP server name '${twice.name}' collides with an imported MCP server name.`,
      'invalid_input',
      'relayed_mcp_servers',
    )
}
