/**
 * Sign-in of people with the App, as GitHub's pages and API do it: a code for one use, bound to its address and its PKCE
 * challenge, then a token of the person that sees where the App is installed. Source: GitHub's docs, "Generating a user
 * access token for a GitHub App".
 */
import { createHash, randomBytes } from 'node:crypto'
import { type Answer, answer, failure, notFound, paged, type Route, route } from './http.ts'
import type { Layer } from './layer.ts'
import { emulateRole, roleOf, type Tokens } from './roles.ts'

interface Code {
  login: string
  back: string
  challenge: string
  expiresAt: number
}

/** ms */
const codesLast = 10 * 60_000
const tokensLast = 8 * 3_600_000

export class OAuth {
  readonly clientId = 'Iv23liEmulatedClient'
  readonly clientSecret = 'a client secret that only this world knows'
  /** Where people may be sent back to, exactly; a loopback address with any port. */
  readonly callbacks: string[] = []
  /** Who signs in on these pages. */
  readonly people: readonly string[]
  readonly #codes = new Map<string, Code>()
  readonly #tokens: Tokens

  constructor(tokens: Tokens, people: readonly string[]) {
    this.#tokens = tokens
    this.people = people
  }

  /** The person has agreed to the page with this query. @returns where the browser goes */
  agree(query: URLSearchParams, login: string): string {
    const code = randomBytes(10).toString('hex')
    const [back, challenge] = [query.get('redirect_uri') ?? '', query.get('code_challenge') ?? '']
    this.#codes.set(code, { login, back, challenge, expiresAt: Date.now() + codesLast })
    return this.leave(query, { code })
  }

  leave(query: URLSearchParams, result: Record<string, string>): string {
    const back = new URL(query.get('redirect_uri') ?? '')
    for (const [name, value] of Object.entries({ ...result, state: query.get('state') ?? '' }))
      back.searchParams.set(name, value)
    return back.href
  }

  /** Why the page is not shown. */
  refusal(query: URLSearchParams): string | undefined {
    if (query.get('client_id') !== this.clientId) return 'no such App'
    if (!this.#mayGoTo(query.get('redirect_uri') ?? ''))
      return 'The redirect_uri is not associated with this App'
    if (!query.get('state')) return 'without a state, anybody can sign somebody in'
    if (query.get('code_challenge_method') !== 'S256') return 'only S256'
    return /^[\w-]{43}$/.test(query.get('code_challenge') ?? '')
      ? undefined
      : 'the challenge has 43 characters'
  }

  #mayGoTo(address: string): boolean {
    if (!URL.canParse(address)) return false
    const shape = (url: URL) => (url.hostname === '127.0.0.1' ? `${url.protocol}${url.pathname}` : url.href)
    return this.callbacks.some(known => shape(new URL(known)) === shape(new URL(address)))
  }

  redeem(fields: URLSearchParams): Record<string, string | number> {
    const wrong = (error: string) => ({
      error,
      error_description: `${error}.`,
      error_uri: 'https://docs.github.com',
    })
    const isClient =
      fields.get('client_id') === this.clientId && fields.get('client_secret') === this.clientSecret
    if (!isClient) return wrong('incorrect_client_credentials')
    const code = this.#codes.get(fields.get('code') ?? '')
    this.#codes.delete(fields.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(fields.get('code_verifier') ?? '')
      .digest('base64url')
    if (!code || code.expiresAt <= Date.now() || code.challenge !== challenge)
      return wrong('bad_verification_code')
    if (fields.get('redirect_uri') !== code.back) return wrong('redirect_uri_mismatch')
    const token = `ghu_${randomBytes(27).toString('base64url').replaceAll(/[-_]/g, 'x')}`
    this.#tokens.give(token, { login: code.login, expiresAt: Date.now() + tokensLast })
    const life = {
      expires_in: tokensLast / 1_000,
      refresh_token: `ghr_${'x'.repeat(76)}`,
      refresh_token_expires_in: 15_897_600,
    }
    return { access_token: token, ...life, scope: '', token_type: 'bearer' }
  }

  isClient(authorization = ''): boolean {
    const right = Buffer.from(`${this.clientId}:${this.clientSecret}`).toString('base64')
    return authorization === `Basic ${right}`
  }
}

const page = (status: number, body: string): Answer => ({
  ...answer(status, undefined, { 'content-type': 'text/html; charset=utf-8' }),
  raw: Buffer.from(`<!doctype html><html lang="en"><title>Sign in to GitHub</title>${body}`),
  unchanged: true,
})

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')

export function oauthRoutes(layer: Layer, oauth: OAuth, tokens: Tokens): Route[] {
  const pages = '/login/oauth/authorize'
  return [
    route('GET', pages, async ({ query }) => {
      const why = oauth.refusal(query)
      if (why !== undefined) return page(400, `<p>${why}</p>`)
      const as = oauth.people.map(
        login => `<button name="login" value="${login}">Authorize as ${login}</button>`,
      )
      return page(
        200,
        `<form method="post" action="${escaped(`${pages}?${query}`)}">${as.join('')}<button name="cancel" value="yes">Cancel</button></form>`,
      )
    }),
    route('POST', pages, async ({ query, raw }) => {
      const why = oauth.refusal(query)
      const fields = new URLSearchParams(raw.toString())
      const login = fields.get('login') ?? ''
      if (why !== undefined) return page(400, `<p>${why}</p>`)
      const location = oauth.people.includes(login)
        ? oauth.agree(query, login)
        : oauth.leave(query, { error: 'access_denied', error_description: 'The user has denied it' })
      return { ...page(302, ''), headers: { location } }
    }),
    route('POST', '/login/oauth/access_token', async ({ raw, headers }) => {
      const result = oauth.redeem(new URLSearchParams(raw.toString()))
      // GitHub answers a wrong code with 200, too, and with a form unless it is told otherwise.
      if (headers.accept === 'application/json') return { ...answer(200, result), unchanged: true }
      const text = new URLSearchParams(
        Object.entries(result).map(([name, value]): [string, string] => [name, String(value)]),
      )
      return { ...page(200, ''), raw: Buffer.from(text.toString()) }
    }),
    route('DELETE', '/applications/:client/token', async ({ headers, body }, { client }) => {
      if (client !== oauth.clientId || !oauth.isClient(headers.authorization)) return notFound()
      const token = typeof body === 'object' && body !== null && 'access_token' in body && body.access_token
      return tokens.revoke(String(token)) ? answer(204) : failure(422, 'Validation Failed')
    }),
    route('GET', '/user', async ({ actor }) =>
      actor.kind === 'person' ? answer(200, await layer.upstream.read(`/users/${actor.login}`)) : undefined,
    ),
    ...userRoutes(layer),
  ]
}

const noToken = failure(403, 'You must authenticate with an access token authorized to a GitHub App.')

/** What a person's token of the App sees of its installations. */
function userRoutes({ memory, installations, upstream }: Layer): Route[] {
  const visible = async (owner: string, login: string) => {
    const known = memory.repositoriesOf(owner).filter(({ fullName }) => installations.includes(fullName))
    const roles = await Promise.all(
      known.map(async one => ({ ...one, role: await roleOf({ upstream, memory }, one.fullName, login) })),
    )
    // What anybody may read is nobody's installation.
    return roles.filter(({ role }) => role !== undefined && role !== 'none')
  }
  return [
    route('GET', '/user/installations', async request => {
      const { actor } = request
      if (actor.kind !== 'person' || !actor.ofApp) return noToken
      const owners = await Promise.all(
        [...memory.installations].map(async ([owner, id]) =>
          installations.standing(owner) === 'installed' && (await visible(owner, actor.login)).length > 0
            ? [{ id, account: { login: owner }, suspended_at: null }]
            : [],
        ),
      )
      const all = owners.flat()
      return answer(200, { total_count: all.length, installations: paged(request, all) })
    }),
    route('GET', '/user/installations/:id/repositories', async (request, { id }) => {
      const { actor } = request
      if (actor.kind !== 'person' || !actor.ofApp) return noToken
      const owner = [...memory.installations].find(([, known]) => String(known) === id)?.[0]
      const all = owner === undefined ? [] : await visible(owner, actor.login)
      if (all.length === 0) return notFound()
      const repositories = await Promise.all(
        paged(request, all).map(async ({ fullName, role = 'none' }) => {
          const order = Object.keys(emulateRole)
          const permissions = Object.entries(emulateRole).map(([name, word]) => [
            word,
            order.indexOf(role) >= order.indexOf(name),
          ])
          const found = await upstream.read(`/repos/${fullName}`)
          return { ...found, permissions: Object.fromEntries(permissions) }
        }),
      )
      return answer(200, { total_count: all.length, repositories })
    }),
  ]
}
