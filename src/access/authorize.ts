/** Who may use a command: by their role at GitHub, or by name in the settings. */
import { mayAct, type Role, type Sender } from '../core/model/command-grammar.ts'
import { isNotFound, loggedIfRejected, NoResponse, Rejected } from '../core/model/errors.ts'
import type { GitHubWith, Log } from '../core/model/ports.ts'
import type { Person } from '../core/model/thread.ts'
import { minute } from '../core/model/time.ts'
import type { CommentView, NeedsRead, NeedsView, Permission } from '../core/model/views.ts'
import { believeAbsent, idleMs, type ReadRefusals } from '../core/record/retries.ts'
import { limits } from '../core/record/timing.ts'
import type { RepoSettings } from '../core/settings/repository-settings.ts'

export interface PersonCheck {
  github: GitHubWith<'people.permission' | 'people.isInTeam'>
  settings: RepoSettings
  reads: ReadRefusals
  log: Log
}

/** `named`: whether the settings name them, asked only where it matters. */
export type Identity = Permission & { named?: boolean }

/** Names and teams, which GitHub has to be asked for, matter only where the role is not enough. */
async function withName<Known extends Identity>(
  known: Known,
  person: Person,
  check: PersonCheck,
): Promise<Known> {
  if (known.named !== undefined || isTrusted(known)) return known
  return { ...known, named: isAllowed(check, person) || (await isInTeams(check, person)) }
}

export const isTrusted = ({ role, named }: Identity): boolean =>
  named === true || mayAct(role, 'write')

export function allowance(
  { role, name, named = false }: Identity,
  command: string,
  settings: RepoSettings,
) {
  const least: Role = settings.permissions[command] ?? 'admin'
  return { may: named || mayAct(role, least), least, role: name }
}

export async function mayUseNow(
  check: PersonCheck,
  person: Person,
  command: string,
): Promise<boolean> {
  const permission = await permissionOf(check.github, person, check.reads)
  return allowance(await withName(permission, person, check), command, check.settings).may
}

const noPermission: Permission = { role: 'none', name: 'none' }
/** Another account has the login now, so neither the settings nor teams are asked about it. */
const somebodyElse: Identity = { ...noPermission, named: false }

async function permissionOf(
  github: PersonCheck['github'],
  { login, id }: Person,
  reads: ReadRefusals,
): Promise<Identity> {
  try {
    return (await github.people.permission(login, id)) ?? somebodyElse
  } catch (error) {
    if (!isNotFound(error)) throw error
    return believeAbsent(`The account ${login}`, reads) ?? noPermission
  }
}

/** A login can change hands, so that only the number beside it counts. */
const isAllowed = ({ settings }: PersonCheck, { id }: Person) =>
  settings.allow.users.some(each => each.endsWith(`:${id}`))

/** A team that GitHub does not let the App read lets nobody in. */
async function isInTeams(
  { github, settings, log }: PersonCheck,
  { login }: Person,
): Promise<boolean> {
  for (const team of settings.allow.teams) {
    const unknown = loggedIfRejected(log, 'GitHub did not say who is in a team', { team })
    if (await github.people.isInTeam(team, login).catch(unknown)) return true
  }
  return false
}

interface SenderQuery extends Pick<PersonCheck, 'github' | 'reads'> {
  before: Sender | undefined
  person: Person
  now: number
  /** The settings come while GitHub is asked for the role. */
  check(): Promise<PersonCheck>
}

/** ms: after a longer wait the right may be lost. */
const lastsMs = minute

/**
 * Who sends a command, as GitHub said it at most a minute ago.
 * @returns `unknown` where GitHub could not say it: with the fault, unless that has lasted for minutes
 */
export async function senderNow(query: SenderQuery): Promise<{ sender: Sender; fault?: Error }> {
  const { before, person, now } = query
  const kept = before && now - before.at < lastsMs ? before : undefined
  if (kept?.kind === 'unknown' && isGivenUp(kept)) return { sender: kept }
  try {
    const role = kept?.kind === 'known' ? kept : roleOf(query)
    const [check, known] = await Promise.all([query.check(), role])
    return { sender: await withName(known, person, check) }
  } catch (error) {
    const isUnclear =
      error instanceof NoResponse || (error instanceof Rejected && error.of === 'read')
    if (!isUnclear) throw error
    const since = before?.kind === 'unknown' ? before.since + idleMs(before.at, now) : now
    const why = error instanceof Rejected ? error.message : undefined
    const sender = { kind: 'unknown', at: now, since, why } as const
    return isGivenUp(sender) ? { sender } : { sender, fault: error }
  }
}

const roleOf = async ({
  github,
  reads,
  person,
  now,
}: SenderQuery): Promise<Sender & { kind: 'known' }> => ({
  kind: 'known',
  at: now,
  ...(await permissionOf(github, person, reads)),
})

const isGivenUp = ({ at, since }: { at: number; since: number }) =>
  at - since >= limits.refusedBefore

/** What the slugs of the settings stand for. GitHub lets only Apps review that the repository has installed. */
type Slugs = RepoSettings['context']['bots']

const slugOf = (login: string) => login.replace(/\[bot\]$/, '')

const isListed = (slugs: Slugs, login: string) =>
  slugs.some(slug => `${slug}[bot]`.toLowerCase() === login.toLowerCase())

/** Tells which of them are read although a bot wrote them. */
export const withListed = (comments: readonly CommentView[], slugs: Slugs): CommentView[] =>
  comments.map(comment => {
    const { author, in: where } = comment
    const may = where !== 'thread' && author !== undefined && isListed(slugs, author)
    return may ? { ...comment, listed: true as const } : comment
  })

const maxNamedNeeds = 20
/** GitHub is asked for so many. */
const maxThreads = 50

/** What there is to do. An open thread is an order if who may write spoke last there, or a bot that the settings name. */
export function withOrders({ isKnown, facts, ...read }: NeedsRead, slugs: Slugs): NeedsView {
  const orders = read.unresolved.flatMap(({ voices, ...place }) => {
    for (const voice of voices.toReversed()) {
      if (voice.kind === 'agent') return []
      if (voice.kind === 'writer') return [place]
      if (isListed(slugs, voice.login)) return [{ ...place, by: slugOf(voice.login) }]
    }
    return []
  })
  const needs = {
    ...read,
    failedChecks: read.failedChecks.slice(0, maxNamedNeeds),
    changesRequestedBy: read.changesRequestedBy.slice(0, maxNamedNeeds),
    unresolved: orders.slice(0, maxThreads),
  }
  const { failedChecks, changesRequestedBy, unresolved } = needs
  const isClean = failedChecks.length + changesRequestedBy.length + unresolved.length === 0
  return { isKnown, facts, needs: isClean && !read.hasConflicts ? undefined : needs }
}
