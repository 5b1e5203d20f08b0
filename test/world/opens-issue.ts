/** A thread in which maya asks, with what comes of it. */
import type { Behaviour } from '../../emulators/posthog/behaviour.ts'
import { ledgerOf, Thread } from './thread.ts'
import type { World } from './world.ts'

/** A repository of its own, with these settings, if any. */
export async function newRepository(
  { github }: World,
  settings?: string,
  { owner = 'acme', name = `shop-${Math.random().toString(36).slice(2, 8)}` } = {},
): Promise<string> {
  const repository = await github.addRepo(owner, name)
  if (settings !== undefined)
    await github.as('olga', repository).pushes('main', { '.github/codex.yml': settings })
  return repository
}

export type Talk = ReturnType<typeof talkIn>

export function talkIn(world: World, number: number, repository = world.github.repository) {
  const { github, posthog } = world
  const maya = github.as('maya', repository)
  const thread = new Thread(world, number, repository)
  const ledger = () => ledgerOf(world, number, repository)
  return {
    maya,
    number,
    repository,
    thread,
    says: (text: string, by = 'maya') => github.as(by, repository).comments(number, text),
    ledger,
    runs: () => ledger().runs,
    /** That was started for it, by its place among them. */
    run: (at: number) => posthog.run(String(ledger().runs.at(at)?.runId)),
    started: (count: number) => github.waitFor(() => ledger().runs.length >= count),
    prompt: (at = 0) => String(Object(ledger().runs.at(at)?.body).pending_user_message),
    /** That close it. */
    async pulls() {
      const closes = new RegExp(`Closes #${number}(?!\\d)`)
      return (await github.pulls(repository)).filter(({ body }) => closes.test(body))
    },
    async ticks(box: string) {
      const shown = (await thread.botComments()).findLast(({ body }) => body.includes(`[ ] ${box}`))
      await maya.editsComment(Number(shown?.id), String(shown?.body).replace(`[ ] ${box}`, `[x] ${box}`))
    },
  }
}

export async function opensIssue(world: World, title: string, repository?: string, body = 'As said.') {
  const { number } = await world.github.as('maya', repository).opensIssue({ title, body })
  return talkIn(world, number, repository)
}

/** Of a branch with this file. */
export async function opensPull(
  world: World,
  head: string,
  {
    repository,
    path = `${head}.ts`,
    text = 'one\ntwo\nthree\n',
    body = 'Please look.',
  }: Partial<PullOf> = {},
) {
  const maya = world.github.as('maya', repository)
  await maya.pushes(head, { [path]: text })
  const { number } = await maya.opensPull({ head, title: `Work on ${head}`, body })
  return { ...talkIn(world, number, repository), path }
}

interface PullOf {
  repository: string
  path: string
  text: string
  body: string
}

/** Asked for on an issue of its own, for which an agent does that. */
export async function asks(
  world: World,
  words: string,
  behaviour?: Behaviour,
  { repository, title = words, times }: { repository?: string; title?: string; times?: number } = {},
): Promise<Talk> {
  const which = { repository: repository ?? world.github.repository, prompt: words }
  if (behaviour) world.posthog.script(which, behaviour, times === undefined ? {} : { times })
  const talk = await opensIssue(world, title, repository)
  await talk.says(`/codex ${words}`)
  return talk
}

/** An agent is at work on that, and ends its turn when the story says so. */
export async function working(world: World, words: string, repository?: string): Promise<Talk> {
  const talk = await asks(world, words, { kind: 'manual' }, repository === undefined ? {} : { repository })
  await talk.thread.waitForStatus('⏳ Codex is working')
  return talk
}

/** GitHub's times are whole seconds: what happens within one has no order. */
export const nextSecond = () => new Promise(resolve => setTimeout(resolve, 1_000 - (Date.now() % 1_000) + 20))

/** A prompt: what stands between its marked lines, and all the rest. */
export function asToldIn(prompt: string): { inside: string; outside: string } {
  const [, fence = ''] = /<<<(\w+)\n/.exec(prompt) ?? []
  const [before = '', inside = '', after = ''] = prompt.split(new RegExp(`<<<${fence}|${fence}>>>`))
  return { inside, outside: before + after }
}
