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
  const says = (text: string, by = 'maya') => github.as(by, repository).comments(number, text)
  /** That close it. */
  const pulls = async () => {
    const closes = new RegExp(`Closes #${number}(?!\\d)`)
    return (await github.pulls(repository)).filter(({ body }) => closes.test(body))
  }
  return {
    maya,
    number,
    repository,
    thread,
    says,
    ledger,
    runs: () => ledger().runs,
    /** That was started for it, by its place among them. */
    run: (at: number) => posthog.run(String(ledger().runs.at(at)?.runId)),
    started: (count: number) => github.waitFor(() => ledger().runs.length >= count),
    prompt: (at = 0) => String(Object(ledger().runs.at(at)?.body).pending_user_message),
    pulls,
    /** Asks for work, and waits until the run has done its last: its pull request. */
    async makes(words = 'do it') {
      await says(`/codex ${words}`)
      await thread.waitForAnswer('Codex opened draft')
      await thread.waitForFolded()
      const [pull] = await pulls()
      if (!pull) throw new Error(`no pull request closes #${number}`)
      return pull
    },
    /** How much of each PostHog accepted for it. */
    counts() {
      const { tasks, runs, messages, cancels } = ledger()
      return {
        tasks: tasks.length,
        runs: runs.length,
        messages: messages.length,
        cancels: cancels.length,
      }
    },
    /** @returns the id of the comment in which the box is */
    async ticks(box: string, by = 'maya') {
      const shown = (await thread.botComments()).findLast(({ body }) => body.includes(`[ ] ${box}`))
      const ticked = String(shown?.body).replace(`[ ] ${box}`, `[x] ${box}`)
      await github.as(by, repository).editsComment(Number(shown?.id), ticked)
      return Number(shown?.id)
    },
  }
}

export async function opensIssue(
  world: World,
  title: string,
  repository?: string,
  body = 'As said.',
) {
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
  {
    repository,
    title = words,
    times,
  }: { repository?: string; title?: string; times?: number } = {},
): Promise<Talk> {
  const which = { repository: repository ?? world.github.repository, prompt: words }
  if (behaviour) world.posthog.script(which, behaviour, times === undefined ? {} : { times })
  const talk = await opensIssue(world, title, repository)
  await talk.says(`/codex ${words}`)
  return talk
}

/** An agent is at work on that, and ends its turn when the story says so. */
export async function working(world: World, words: string, repository?: string): Promise<Talk> {
  const talk = await asks(
    world,
    words,
    { kind: 'manual' },
    repository === undefined ? {} : { repository },
  )
  await talk.thread.waitForStatus('⏳ Codex is working')
  return talk
}

/** GitHub sends no webhook of what is done meanwhile. */
export async function unheard<T>({ github }: World, done: () => Promise<T>): Promise<T> {
  github.webhooks.mode = { kind: 'drop' }
  const result = await done()
  await github.settled()
  github.webhooks.mode = { kind: 'normal' }
  return result
}

/** So long ago was everything that GitHub has tried to deliver since `first`. */
export function isPast({ github }: World, first: number, ms: number): void {
  const then = new Date(Date.now() - ms).toISOString()
  for (const delivery of github.webhooks.deliveries.slice(first)) delivery.delivered_at = then
}

/** The beginning of a picture, for who pastes it. */
export const attachesPicture = ({ github }: World) =>
  github.attachments.add({
    name: 'shot.png',
    type: 'image/png',
    bytes: Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex'),
  })

/** GitHub's times are whole seconds: what happens within one has no order. */
export const nextSecond = () =>
  new Promise(resolve => setTimeout(resolve, 1_000 - (Date.now() % 1_000) + 20))

/** A prompt: what stands between its marked lines, and all the rest. */
export function asToldIn(prompt: string): { inside: string; outside: string } {
  const [, fence = ''] = /<<<(\w+)\n/.exec(prompt) ?? []
  const [before = '', inside = '', after = ''] = prompt.split(new RegExp(`<<<${fence}|${fence}>>>`))
  return { inside, outside: before + after }
}
