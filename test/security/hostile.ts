/** What somebody who can write to GitHub may send: words, and payloads that carry them. */
import type { Random } from '../chaos/random.ts'
import { markdownPieces } from '../support/markdown-pieces.ts'

/** Put together here, so that no scanner takes this file for a leak. */
const made = (...parts: string[]) => parts.join('')

/** What the bot was configured with. */
export const configured = [
  'hush-hush-webhook-secret',
  made('phx_', 'C0nf1gured'.repeat(4)),
  'p"a\\ss <w>_*rd`',
  made('ghu_', 'D3ploy'.repeat(6)),
]

/** What people paste. */
const pasted = [
  made('ghp_', 'a1B2'.repeat(9)),
  made('ghs_', 'z9Y8'.repeat(9)),
  made('github_pat_', 'a1B2_'.repeat(9)),
  made('phx_', 'a1B2'.repeat(9)),
  made('sk-', 'proj-a1B2'.repeat(4)),
  made('AKIA', 'ABCDEFGHIJKLMNOP'),
]
export const secrets = [...configured, ...pasted]

const commands = (
  '/codex¦/codex fix it¦/codex plan how¦/codex stop¦/codex approve¦/codex retry¦/codex continue¦' +
  '/codex status¦/codex doctor¦/codex help¦/CODEX, do¦/codex --model gpt-5.5 --effort high x¦' +
  '/codex --branch main --new x¦/codex --as-user x¦/codex --model=¦/codex --¦/codex –effort max¦' +
  '/codexx¦> /codex x¦`/codex x`¦\t/codex x'
).split('¦')
const unicode = (
  '\u0000¦\u200b¦\u200d¦\u2060¦\ufeff¦\u202e¦\u2066¦\u2028¦\u{e0041}\u{e0042}¦\ufe0f¦\ud800¦\udc00¦🚀¦' +
  '👩‍👩‍👧‍👦¦ﷺ¦a\u0301\u0302\u0303¦İ¦修复¦עברית¦\u001b[31m¦\r\n¦\r'
).split('¦')

/** What parsers take long over, or too much stack, when there is enough of it. */
const units = (
  'a\n=\n¦- - - \n¦> ¦- ¦1. ¦> - ¦[¦![¦](¦*a_ ¦**a¦|a|\n|-|\n¦<a ¦<!--¦-eyJ¦://a:¦~~~ ¦`a¦a@b.c ¦' +
  '[a]: b\n¦[^1]: ¦  - a\n¦\u200b¦{¦- - \n¦\\¦&#64;¦](a        ¦$$¦<img src=x> ¦\n\n¦#7 ¦@a¦<b¦`¦~¦' +
  '-----BEGIN PRIVATE KEY-----'
).split('¦')

/** Deep or long, of one or two of them. */
export function repetition(random: Random, most: number): string {
  const unit = random.one(units) + (random.next() < 0.5 ? random.one(units) : '')
  const length = random.between(1_000, most)
  return unit.repeat(Math.ceil(length / unit.length)).slice(0, length)
}

/** Some of it long enough to hurt. */
export function wordsOf(random: Random, most = 65_536): string {
  const parts = Array.from({ length: random.between(0, 14) }, () => part(random))
  const text = (random.next() < 0.8 ? [`${random.one(commands)} `, ...parts] : parts).join('')
  if (random.next() < 0.03) return `${text}\n\n${repetition(random, most)}\n${random.one(commands)}`
  return random.next() < 0.005 ? text.repeat(200).slice(0, random.between(1_000, most)) : text
}

function part(random: Random): string {
  const kind = random.next()
  if (kind < 0.05) return `\n${random.one(commands)} `
  // A token is known by where it begins and ends.
  if (kind < 0.12) return ` ${random.one(secrets)} `
  if (kind < 0.2) return random.one(unicode)
  if (kind < 0.3) return random.one([' ', '\n', '\n\n'])
  if (kind < 0.4) return `${random.one(['fix', 'the', 'login', 'please', 'words'])} `
  return random.one(markdownPieces)
}

/** Roles as GitHub has them; whoever is not here is unknown there. */
export const people = {
  olga: 'admin',
  mario: 'maintain',
  maya: 'write',
  tess: 'triage',
  rita: 'read',
  eve: 'none',
  sam: 'none',
} as const
const logins: readonly string[] = [...Object.keys(people), 'nobody', 'ghost']

export interface Payload {
  event: string
  payload: unknown
}

const actions = {
  issue_comment: ['created', 'created', 'created', 'edited', 'deleted'],
  issues: ['labeled', 'labeled', 'unlabeled', 'closed', 'locked', 'deleted', 'opened'],
  pull_request: ['labeled', 'labeled', 'unlabeled', 'closed', 'opened', 'synchronize'],
  pull_request_review: ['submitted', 'submitted', 'dismissed'],
  pull_request_review_comment: ['created', 'created', 'edited', 'deleted'],
  push: ['created', 'created', 'edited', 'deleted'],
}
type EventName = keyof typeof actions
const commented = Array<EventName>(4).fill('issue_comment')
const events = [...commented, ...(Object.keys(actions) as EventName[])]

export function payloadOf(random: Random): Payload {
  const event = random.one(events)
  const whole = wholePayload(random, event)
  return { event, payload: random.next() < 0.2 ? broken(random, whole) : whole }
}

const issue = { number: 7, html_url: 'https://github.com/acme/shop/issues/7' }
const pull = { number: 8, html_url: 'https://github.com/acme/shop/pull/8' }

function user(random: Random): { login: string; id: number; type?: string } {
  const login = random.next() < 0.5 ? 'maya' : random.one(logins)
  const bot = random.next() < 0.1
  return {
    login: bot ? `${login}[bot]` : login,
    id: logins.indexOf(login) + (bot ? 100 : 10),
    ...(random.next() < 0.8 ? { type: bot || random.next() < 0.03 ? 'Bot' : 'User' } : {}),
  }
}

/** Names of branches are used as they are, and nobody is called like a secret. */
const withoutSecrets = (name: string) =>
  secrets.reduce(
    (rest, secret) => rest.replaceAll(secret, 'x').replaceAll(secret.slice(0, 8), 'x'),
    name,
  )

/** One that means something, or any words in its place, as long as they may be. */
const mostly = (random: Random, known: readonly string[], most: number) =>
  random.next() < 0.8 ? random.one(known) : wordsOf(random, 65_536).slice(0, most)

const time = (random: Random) =>
  new Date(Date.UTC(2026, 0, 2, 14, random.between(0, 30), random.between(0, 59))).toISOString()

function wholePayload(random: Random, event: EventName): object {
  const writer = user(random)
  // Words that somebody else sends are nobody's command.
  const mostlyWriter = () => (random.next() < 0.7 ? writer : user(random))
  const subject = (at: typeof issue): object => ({
    ...at,
    title: wordsOf(random).slice(0, 200),
    body: random.next() < 0.2 ? null : wordsOf(random),
    user: random.next() < 0.1 ? null : mostlyWriter(),
    state: random.next() < 0.05 ? 'closed' : 'open',
    updated_at: time(random),
    merged: random.next() < 0.5,
    ...(at === pull
      ? {
          head: {
            ref: withoutSecrets(mostly(random, ['maya/login', 'main', 'a`b', 'x)GH-7', '-x'], 200)),
            sha: 'b'.repeat(40),
            repo: random.one([{ id: 100 }, { id: 100 }, { id: 100 }, { id: 666 }, null]),
          },
          base: { ref: 'main' },
        }
      : {}),
  })
  const comment = {
    id: random.between(500, 520),
    node_id: 'N',
    body: random.next() < 0.05 ? null : wordsOf(random),
    user: writer,
    author_association: random.one(['OWNER', 'MEMBER', 'NONE']),
    created_at: time(random),
    updated_at: time(random),
    submitted_at: time(random),
    path: mostly(random, ['src/a.ts', 'a`b', 'x\u202e\n# Instruction\n', '../x'], 4_000),
    line: random.one([1, null]),
    diff_hunk: wordsOf(random),
    pull_request_review_id: random.one([1, null]),
    in_reply_to_id: random.one([1, undefined]),
  }
  const common = {
    installation: random.next() < 0.02 ? null : { id: 1 },
    repository: { id: 100, name: 'shop', owner: { login: 'acme', id: 5 }, default_branch: 'main' },
    sender: mostlyWriter(),
    changes: random.next() < 0.7 ? { body: { from: wordsOf(random) } } : {},
    label: {
      name: mostly(
        random,
        ['codex', 'codex:plan', 'codex:high', 'codex:docs', 'codex:nope', 'bug'],
        50,
      ),
    },
  }
  const onPull = random.next() < 0.3
  const parts: Record<EventName, () => object> = {
    issue_comment: () => ({
      comment,
      issue: onPull ? { ...subject(pull), pull_request: {} } : subject(issue),
    }),
    issues: () => ({ issue: subject(issue) }),
    pull_request: () => ({ pull_request: subject(pull) }),
    pull_request_review: () => ({ review: comment, pull_request: subject(pull) }),
    pull_request_review_comment: () => ({ comment, pull_request: subject(pull) }),
    push: () => ({ comment, pull_request: subject(pull) }),
  }
  return { ...common, action: random.one(actions[event]), ...parts[event]() }
}

/** One to three places of it are not what they should be. */
function broken(random: Random, whole: object): unknown {
  let payload: unknown = structuredClone(whole)
  for (let n = random.between(1, 3); n > 0; n -= 1) payload = brokenOnce(random, payload)
  return payload
}

function brokenOnce(random: Random, value: unknown): unknown {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  if (entries.length === 0 || random.next() < 0.15) return oddity(random)
  const [key, child] = random.one(entries)
  if (random.next() < 0.2) return Object.fromEntries(entries.filter(([name]) => name !== key))
  return { ...Object.fromEntries(entries), [key]: brokenOnce(random, child) }
}

const oddity = (random: Random) =>
  random.one([
    null,
    true,
    0,
    -1,
    1.5,
    1e308,
    '',
    [],
    {},
    { __proto__: { admin: true } },
    { toString: 'x' },
    nameOf(random),
    [[nameOf(random)]],
    nested(random.between(10, 2_000)),
  ])

/** Names come from GitHub, and nobody is called like a secret. */
const nameOf = (random: Random) =>
  random.one([...markdownPieces, ...unicode, ...commands]).repeat(random.between(1, 3))

function nested(depth: number): unknown {
  let value: unknown = 'deep'
  for (let n = 0; n < depth; n += 1) value = n % 2 ? { x: value } : [value]
  return value
}
