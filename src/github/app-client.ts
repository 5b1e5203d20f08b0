/** GitHub clients. Each token is for one repository and only the permissions needed there. */

import { isDeepStrictEqual } from 'node:util'
import { createAppAuth, type InstallationAuthOptions } from '@octokit/auth-app'
import type { Octokit } from '@octokit/rest'
import pLimit, { type LimitFunction } from 'p-limit'
import { z } from 'zod'
import { type LimitGate, limitGate } from '../core/model/call-budget.ts'
import { Rejected } from '../core/model/errors.ts'
import type { CallMeter } from '../core/model/meter.ts'
import type { Thread } from '../core/model/thread.ts'
import { cachedFor, hour } from '../core/model/time.ts'
import { madeIn, NewestMap } from '../core/text/newest-map.ts'
import { wantedOfApp } from './app-manifest.ts'
import { type AppSettings, type AppToken, appToken } from './app-token.ts'
import { httpError, limited, newOctokit, type Watch } from './request-rules.ts'

type Repo = Pick<Thread, 'installationId' | 'repoId'>

export type GitHubApp = ReturnType<typeof gitHubApp>

type AppResponse = Pick<Awaited<ReturnType<Octokit['request']>>, 'headers'> & { data: unknown }

/** Writing checks takes a token of its own. */
const permissions: Permissions = { ...wantedOfApp.permissions, checks: 'read' }
const readPermissions: Permissions = { contents: 'read', issues: 'read', metadata: 'read' }

type Permissions = Readonly<Record<string, 'read' | 'write'>>

/** GitHub takes 100 at once. Source: "Rate limits for the REST API", on secondary rate limits. */
const mostAtOnce = 90
const commentPagesAtOnce = 4

const grantLasts = hour

interface AppShares {
  meter?: CallMeter
  /** Is told the `Date` of each response, and when it was asked for. */
  dated?: Dated
}

type Dated = (date: unknown, askedAt: number) => void

export function gitHubApp(
  settings: AppSettings,
  now: () => number,
  { meter, dated = () => {} }: AppShares = {},
) {
  const gates = new Map<string, LimitGate>()
  const watchOn = (whose: string): Watch => ({
    now,
    meter,
    gate: madeIn(gates, whose, () => limitGate(now)),
  })
  const own = appToken(settings, now)
  const timed = { now, dated }
  const bare = limited(newClient(settings, timed, own), watchOn('app'))
  const auth = createAppAuth({ appId: settings.id, createJwt: own.make, request: bare.request })
  const clients = new Map<string, Octokit>()
  const mint = async (request: Omit<InstallationAuthOptions, 'type'>) =>
    (await auth({ ...request, type: 'installation' })).token

  const clientWith = (
    grant: Omit<InstallationAuthOptions, 'type'> & { installationId: number },
  ): Octokit =>
    limited(newClient(settings, timed), watchOn(String(grant.installationId)), refresh =>
      mint({ ...grant, refresh }),
    )

  /** Installations that grant less than we ask for; what is missing is refused when used. */
  const granted = new Map<number, { permissions: Record<string, string>; at: number }>()

  /** Repositories where GitHub refused what may be granted by now: their next call asks for all again. */
  const outgrown = new Set<string>()

  const tokenOf = async (
    { installationId, repoId }: Repo,
    { wanted = permissions, refresh = false }: { wanted?: Permissions; refresh?: boolean } = {},
  ) => {
    const isOutgrown = outgrown.delete(keyOf({ installationId, repoId }))
    if (isOutgrown) granted.delete(installationId)
    const request = { installationId, repositoryIds: [repoId], refresh: refresh || isOutgrown }
    const known = granted.get(installationId)
    const asked =
      known && now() - known.at < grantLasts ? common(wanted, known.permissions) : wanted
    try {
      return await mint({ ...request, permissions: asked })
    } catch (error) {
      if (!(error instanceof Rejected && error.status === 422)) throw error
      const permissions = await grantedBy(installationId)
      const less = common(asked, permissions)
      if (isDeepStrictEqual(less, asked)) throw error
      granted.set(installationId, { permissions, at: now() })
      return mint({ ...request, permissions: less })
    }
  }

  /** The permissions of an installation, and their levels. */
  const grantedBy = async (installationId: number): Promise<Record<string, string>> => {
    const { data } = await asApp('GET /app/installations/{installation_id}', {
      installation_id: installationId,
    })
    return InstallationView.parse(data).permissions
  }

  const asApp = async (
    route: string,
    parameters: Record<string, unknown> = {},
  ): Promise<AppResponse> => {
    const { token } = await auth({ type: 'app' })
    return bare.request(route, { ...parameters, headers: { authorization: `Bearer ${token}` } })
  }

  const login = cachedFor(
    Number.POSITIVE_INFINITY,
    now,
    async () => `${AppView.safeParse((await asApp('GET /app')).data).data?.slug ?? 'codex'}[bot]`,
  )
  const turns = new Map<number, LimitFunction>()

  return {
    id: settings.id,
    asApp,
    /** Pages of comments, as each may have millions of characters. Those of one thread take turns with others'. */
    commentPages: pLimit(commentPagesAtOnce),
    /** Names that GraphQL gives to threads and people, which never change; those of labels are read each time. */
    ids: new NewestMap<string, string>(10_000),
    readToken: (thread: Repo) => tokenOf(thread, { wanted: readPermissions }),
    async confirmAccess(thread: Repo) {
      await tokenOf(thread, { refresh: true })
    },

    forRepo(thread: Repo): Octokit {
      const key = keyOf(thread)
      return madeIn(clients, key, () => {
        const { installationId } = thread
        const client = newClient(settings, timed)
        const inTurn = madeIn(turns, installationId, () => pLimit(mostAtOnce))
        client.hook.wrap('request', (request, options) => inTurn(() => request(options)))
        const watch = { ...watchOn(String(installationId)), notGranted: () => outgrown.add(key) }
        return limited(client, watch, refresh => tokenOf(thread, { refresh }))
      })
    },

    forInstallation: (installationId: number) =>
      clientWith({ installationId, permissions: { metadata: 'read' } }),

    forNamed: (installationId: number, repo: string) =>
      clientWith({
        installationId,
        repositoryNames: [repo],
        permissions: { contents: 'read', metadata: 'read' },
      }),

    forChecks: ({ installationId, repoId }: Repo) =>
      clientWith({
        installationId,
        repositoryIds: [repoId],
        permissions: { checks: 'write', metadata: 'read' },
      }),

    forTeams: ({ installationId }: Pick<Repo, 'installationId'>) =>
      clientWith({ installationId, permissions: { members: 'read' } }),

    botLogin: () => login.get(''),
  }
}

/** @param own for a client of the App itself: a request refused for the clock is repeated once */
function newClient(
  { apiUrl }: AppSettings,
  { now, dated }: { now: () => number; dated: Dated },
  own?: AppToken,
): Octokit {
  const client = newOctokit(apiUrl)
  client.hook.wrap('request', async (request, options) => {
    const askedAt = now()
    try {
      const response = await request(options)
      dated(response.headers.date, askedAt)
      return response
    } catch (error) {
      const http = httpError(error)
      if (!http) throw error
      dated(http.headers.date, askedAt)
      if (!own?.isLate({ ...http, date: http.headers.date })) throw error
      options.headers.authorization = `Bearer ${(await own.make()).jwt}`
      return request(options)
    }
  })
  return client
}

const keyOf = ({ installationId, repoId }: Repo) => `${installationId}/${repoId}`

const common = (wanted: Permissions, granted: Record<string, string>): Permissions =>
  Object.fromEntries(
    Object.entries(wanted).flatMap(([name, level]) =>
      granted[name] === undefined ? [] : [[name, granted[name] === 'read' ? 'read' : level]],
    ),
  )

const InstallationView = z.object({ permissions: z.record(z.string(), z.string()) })

const AppView = z.object({ slug: z.string().optional() })
