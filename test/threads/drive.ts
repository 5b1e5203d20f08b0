/** Drives the running bot through each kind of thread, and takes down what people then read. */

import pLimit from 'p-limit'
import { command, files, fixesLogin } from '../../demo/shop.ts'
import { passed } from '../../emulators/github/front-door.ts'
import { newRepository, opensIssue, opensPull, type Talk } from '../world/opens-issue.ts'
import type { Thread } from '../world/thread.ts'
import { startWorld, type World, type WorldOptions } from '../world/world.ts'
import type { DrivenThread, DrivenThreads, ShownComment } from './index-page.ts'

class Stage {
  readonly world: World
  readonly #drawn: Record<string, DrivenThread> = {}

  constructor(world: World) {
    this.world = world
  }

  /** An issue in a repository of its own, so that one thread tells nothing of another. */
  async issue(title: string, settings?: string): Promise<Opened> {
    const repository = await newRepository(this.world, settings)
    return reacted(await opensIssue(this.world, title, repository, 'It fails every third time.'))
  }

  async pull(): Promise<Opened> {
    const repository = await newRepository(this.world)
    return reacted(await opensPull(this.world, 'maya/login', { repository, path: 'src/login.ts' }))
  }

  /** One more issue beside another. */
  async issueBeside({ repository }: Opened, title: string): Promise<Opened> {
    return reacted(await opensIssue(this.world, title, repository, 'It fails.'))
  }

  async draw(name: string, { thread }: Pick<Opened, 'thread'>) {
    await this.world.github.settled()
    const about = pictures[name]
    if (!about) throw new Error(`No picture is called ${name}`)
    this.#drawn[name] = { ...about, comments: await this.#read(thread) }
  }

  /** Once the status is folded away, which comes last. */
  async drawFolded(name: string, opened: Opened) {
    await opened.thread.waitForFolded()
    await this.draw(name, opened)
  }

  get drawn(): DrivenThreads {
    return this.#drawn
  }

  async #read(thread: Thread): Promise<ShownComment[]> {
    const { botLogin } = this.world.github
    const { comments, reviews, lineComments } = await thread.view()
    const isOurs = ({ author }: { author: string }): boolean => author === botLogin
    const shown = (all: readonly Seen[], as?: ShownComment['as']): ShownComment[] =>
      all.map(({ author, body, reactions, minimized }) => ({
        author: author === botLogin ? 'codex' : author,
        body: this.#shown(body),
        reactions: reactions.map(reaction => reaction.split(' by ')[0] ?? ''),
        ...(minimized ? { minimized } : {}),
        ...(as ? { as } : {}),
      }))
    // People's reviews ask for something, ours is the last word.
    const said = reviews.filter(({ body }) => body !== '')
    return [
      ...shown(
        said.filter(review => !isOurs(review)),
        'review',
      ),
      ...shown(comments),
      ...shown(said.filter(isOurs), 'review'),
      ...shown(lineComments, 'line'),
    ]
  }

  /** Without the signed marker, which nobody sees, and with the addresses that the services have. */
  #shown(body: string): string {
    const { github, posthog, bot } = this.world
    return body
      .replace(/\s*<!-- codex-run:.*? -->/g, '')
      .replaceAll(github.url, 'https://github.com')
      .replaceAll(posthog.url, 'https://us.posthog.com')
      .replaceAll(bot.url, 'https://codex.example.com')
      .replaceAll(/acme\/shop-\w+/g, 'acme/shop')
      .replaceAll(/(`posthog\/[\w-]+?)(?:-acme-shop-\w+-\d+)?-\d+`/g, '$1`')
      .trim()
  }
}

type Opened = ReturnType<typeof reacted>

const reacted = (talk: Talk) => ({
  ...talk,
  /** And waits until the bot has reacted so. */
  says: async (text: string, reaction?: string, by = 'maya') => {
    const asked = await talk.says(text, by)
    if (reaction !== undefined) await talk.thread.waitForReaction(reaction, asked.id)
    return asked
  },
  /** And waits until the agent is at work. */
  begins: async (text: string) => {
    const asked = await talk.says(text)
    await talk.thread.waitForStatus('⏳ Codex is working')
    return asked
  },
})

interface Seen {
  author: string
  body: string
  reactions: readonly string[]
  minimized?: boolean
}

/** The pictures, in the order of their page. */
const pictures: Readonly<Record<string, Omit<DrivenThread, 'comments'>>> = {
  working: {
    title: 'While it works',
    alt: 'The status comment: Codex is working, what it does now, how many files it changed, a box to stop it. The command has the reaction 👀',
  },
  'pull-request': {
    title: 'A pull request',
    alt: 'The command with the reaction 🚀, the status folded away, and the last word: the pull request, what was done, how long it took and what it cost',
  },
  'follow-up': {
    title: 'More instructions while it works',
    alt: 'A second command while Codex works has the reaction 👍, as Codex got it; one last word answers both',
  },
  question: {
    title: 'A question',
    alt: 'The last word begins with the answer; one small line below has time, cost and the PostHog run',
  },
  needs: {
    title: 'What the pull request needs',
    alt: 'The last word begins with what is new: a check failed, changes are requested, one comment is open, with a box that lets Codex fix this',
  },
  merged: {
    title: 'Merged',
    alt: 'The last word begins with when the pull request was merged; the status above it stays folded away',
  },
  plan: { title: 'A plan', alt: 'The last word is the plan, with a box to carry it out' },
  pushed: {
    title: 'Commits on a pull request',
    alt: 'The last word names the commit that is on the pull request',
  },
  review: {
    title: 'A review, and its comments on lines',
    alt: 'The last word for the whole review, and an answer in the thread of each comment on a line',
  },
  'codex-review': {
    title: 'A review by Codex',
    alt: 'Codex answers /codex review with a review of its own, and a comment on each line that it found something on',
  },
  waiting: { title: 'Waiting', alt: 'The status says how many runs are before it' },
  blocked: {
    title: 'Blocked by another issue',
    alt: 'The status names the issue that blocks this one, says that Codex starts by itself when it is closed, and how to start now',
  },
  taken: {
    title: 'Somebody works on it already',
    alt: 'A reply links the open pull request that closes the issue, and says how to start anyway; the command has the reaction 👎',
  },
  asks: {
    title: 'Codex asks',
    alt: 'The last word mentions who asked, with the question of Codex and its choices; a command with the answer leads to what was done',
  },
  permission: {
    unfolded: true,
    title: 'A permission, which the settings decide',
    alt: 'The details of the last word say that Codex asked for permission and may not do it',
  },
  stopped: {
    title: 'A stop',
    alt: 'The status says who stopped the run and that nothing was pushed; the stop has the reaction 👍',
  },
  closed: {
    title: 'Closed while it works',
    alt: 'The last word says that the run was stopped because somebody closed the issue, and that nothing was pushed',
  },
  unfinished: {
    title: 'Not finished',
    alt: 'The last word says that Codex did not finish and why, which pull request there is, its last words, what to do, and has a box to go on; the command has the reaction 😕',
  },
  failed: {
    title: 'A failure',
    alt: 'The last word says why Codex failed, what to do, and has a box to try again; the command has the reaction 😕',
  },
  retry: { title: 'Tried again', alt: 'After the failure, /codex retry leads to a pull request' },
  limit: {
    title: 'A limit',
    alt: 'The status says until when Codex waits, and which limit is reached',
  },
  status: {
    title: '`status`',
    alt: 'While Codex works, a reply to /codex status says so and who asked, and links the status comment',
  },
  config: { title: '`config`', alt: 'The settings of the repository and where each comes from' },
  doctor: { title: '`doctor`', alt: 'The checks of the set-up, each with ✓ or ✗ and what to do' },
  help: {
    unfolded: true,
    title: 'Help',
    alt: 'Three examples, and a list of all commands, options and reactions',
  },
  mistakes: {
    title: 'Slips and refusals',
    alt: 'Each wrong command has the reaction 👎 and a reply that says what is wrong and what to write',
  },
  settings: {
    title: 'A slip in the settings',
    alt: 'A reply lists the three problems of .github/codex.yml, with their lines',
  },
}

const atWork = async (
  run: Awaited<ReturnType<Opened['run']>>,
  paths: readonly string[],
): Promise<void> => {
  for (const path of paths)
    await run.update({
      sessionUpdate: 'tool_call',
      kind: 'edit',
      title: 'Edit',
      locations: [{ path }],
    })
  await run.update({ sessionUpdate: 'tool_call', kind: 'execute', title: 'npm test' })
}

const replied = async (stage: Stage, name: string, by = 'maya'): Promise<void> => {
  const opened = await stage.issue('Login is flaky')
  await opened.says(`/codex ${name}`, '+1', by)
  await stage.draw(name, opened)
}

const scenes: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  async status(stage) {
    stage.world.posthog.script('find the slow query', { kind: 'hangs' })
    const opened = await stage.issue('Orders page is slow')
    await opened.begins('/codex find the slow query')
    await opened.says('/codex status', '+1')
    await stage.draw('status', opened)
  },
  async needs(stage) {
    const { github, posthog } = stage.world
    const opened = await stage.issue('Login is flaky')
    const { repository } = opened
    posthog.script(
      { repository },
      { kind: 'opensPull', text: 'The login waits for the redirect now.' },
    )
    const { number } = await opened.makes('wait for the redirect')
    await github.as('mario', repository).reviews(number, {
      event: 'REQUEST_CHANGES',
      comments: [{ path: 'src/login.ts', line: 1, body: 'Name it.' }],
    })
    github.checks(number, 'unit tests', 'FAILURE', repository)
    await opened.thread.waitForAnswer(/1 check failed[\s\S]*Changes requested[\s\S]*1 open comment/)
    await stage.draw('needs', opened)
  },
  async followUp(stage) {
    const { posthog } = stage.world
    posthog.script('rename the helper', { kind: 'manual' })
    const opened = await stage.issue('Helper has a bad name')
    await opened.begins('/codex rename the helper')
    const run = opened.run(0)
    await opened.says('/codex and its test file', '+1')
    await run.completeTurn('The helper is called `waitForRedirect` now, and so is its test file.')
    await stage.drawFolded('follow-up', opened)
  },
  async question(stage) {
    stage.world.posthog.script('why is the orders page slow', {
      kind: 'answers',
      text: 'Each request reads the whole `orders` table, since `user_id` has no index.\n\n`CREATE INDEX ON orders (user_id)` brings the page from 4 s to 80 ms on a copy of production.',
    })
    const opened = await stage.issue('Orders page is slow')
    await opened.says('/codex why is the orders page slow?')
    await stage.drawFolded('question', opened)
  },
  async plan(stage) {
    stage.world.posthog.script('how to split the billing module', {
      kind: 'answers',
      text: '1. Move the models of billing to `billing/models`\n2. Give the invoices a port of their own\n3. Move the views, one by one\n\nThe first step can be shipped alone.',
    })
    const opened = await stage.issue('Split billing')
    await opened.says('/codex plan how to split the billing module')
    await stage.drawFolded('plan', opened)
  },
  async onPull(stage) {
    const { posthog } = stage.world
    const opened = await stage.pull()
    posthog.script('wait for the redirect here', {
      kind: 'pushesToBranch',
      text: 'The logout test waits for the redirect now.',
    })
    await opened.says('/codex wait for the redirect here, too')
    await stage.drawFolded('pushed', opened)
  },
  async review(stage) {
    const { github, posthog } = stage.world
    const opened = await stage.pull()
    posthog.script('address these', { kind: 'manual' })
    await github.as('mario', opened.repository).reviews(opened.number, {
      body: '/codex address these',
      comments: [
        { path: 'src/login.ts', line: 1, body: 'Rename this: `x` says nothing.' },
        { path: 'src/login.ts', line: 2, body: 'Is this still used?' },
      ],
    })
    await opened.started(1)
    const agent = opened.run(0)
    await github.waitFor(() => agent.turnGoesOn)
    await github.hands.commit(
      opened.repository,
      String(agent.branch),
      'main',
      { 'src/login.ts': 'redirectDone\n' },
      'Rename it',
    )
    const [first, second] = (await opened.thread.view()).lineComments
    const said = [
      { id: first?.id, done: true, said: 'Called it `redirectDone`, here and in its callers.' },
      { id: second?.id, done: false, said: 'Yes, `billing/export.ts` imports it, so it stays.' },
    ]
    const block = `\`\`\`review-comments\n${JSON.stringify(said)}\n\`\`\``
    await agent.completeTurn(`Both are dealt with, and the suite passes.\n\n${block}`)
    await opened.thread.waitForFolded()
    await github.waitFor(async () => {
      const { reviews, lineComments } = await opened.thread.view()
      const isDone = reviews.some(({ reactions }) =>
        reactions.some(each => each.startsWith('rocket')),
      )
      return isDone && lineComments.length === 4
    })
    await stage.draw('review', opened)
  },
  async codexReview(stage) {
    const { github, posthog } = stage.world
    const opened = await stage.pull()
    const findings = [
      {
        path: 'src/login.ts',
        line: 2,
        body: 'This waits for nobody: `redirect` is a promise, and nothing awaits it.',
      },
    ]
    posthog.script(
      { repository: opened.repository },
      {
        kind: 'answers',
        text: `The login is easier to follow now. One thing is wrong.\n\n\`\`\`findings\n${JSON.stringify(findings)}\n\`\`\`\n`,
      },
    )
    await opened.says('/codex review', 'rocket')
    await opened.thread.waitForFolded()
    await github.waitFor(async () => (await opened.thread.view()).lineComments.length === 1)
    await stage.draw('codex-review', opened)
  },
  async waiting(stage) {
    const { posthog } = stage.world
    const first = await stage.issue('Busy', 'limits: {person: 1}\n')
    posthog.script({ repository: first.repository }, { kind: 'hangs' })
    await first.begins('/codex do the first thing')
    const second = await stage.issueBeside(first, 'Next')
    await second.says('/codex fix the flaky login test')
    await second.thread.waitForStatus('waits for its turn')
    await stage.draw('waiting', second)
    await first.says('/codex stop')
  },
  async blocked(stage) {
    const first = await stage.issue('Upgrade the session library')
    const second = await stage.issueBeside(first, 'Login is flaky')
    stage.world.github.block(second.number, [first.number], first.repository)
    await second.says('/codex fix the flaky login test')
    await second.thread.waitForStatus('⏳ Codex waits for #')
    await stage.draw('blocked', second)
  },
  async taken(stage) {
    const { github } = stage.world
    const opened = await stage.issue('Login is flaky')
    const mario = github.as('mario', opened.repository)
    await mario.pushes('mario/login', { 'src/login.ts': 'one\n' })
    await mario.opensPull({
      head: 'mario/login',
      title: 'Wait for the session',
      body: `Fixes #${opened.number}`,
    })
    await opened.says('/codex fix the flaky login test', '-1')
    await stage.draw('taken', opened)
  },
  async asks(stage) {
    stage.world.posthog.script('rename the package', {
      kind: 'asksPermission',
      question: 'There are two packages called `shop`. Which one do you mean?',
      choices: ['packages/shop', 'legacy/shop'],
      next: { kind: 'answers', text: '`packages/shop` is called `storefront` now.' },
    })
    const opened = await stage.issue('Rename the package')
    await opened.says('/codex rename the package')
    await opened.thread.waitForAnswer('Codex has a question')
    await opened.thread.waitForFolded()
    await opened.says('/codex packages/shop')
    await opened.thread.waitForAnswer('storefront')
    await stage.drawFolded('asks', opened)
  },
  async permission(stage) {
    stage.world.posthog.script('clean up the build', {
      kind: 'asksPermission',
      question: 'Run `rm -rf dist`?',
    })
    const opened = await stage.issue(
      'Build is too large',
      'mode: interactive\npermission: read-only\n',
    )
    await opened.says('/codex clean up the build')
    await stage.drawFolded('permission', opened)
  },
  async stopped(stage) {
    stage.world.posthog.script('count to infinity', { kind: 'hangs' })
    const opened = await stage.issue('Count')
    const asked = await opened.begins('/codex count to infinity')
    await opened.says('/codex stop', '+1')
    await opened.thread.waitForStatus(/^### ⏹️/)
    await stage.world.github.waitFor(
      async () => (await opened.thread.reactions(asked.id)).length === 0,
    )
    await stage.draw('stopped', opened)
  },
  async closed(stage) {
    stage.world.posthog.script('fix the old page', { kind: 'hangs' })
    const opened = await stage.issue('Old page')
    await opened.begins('/codex fix the old page')
    await stage.world.github.as('olga', opened.repository).closes(opened.number)
    await opened.thread.waitForAnswer('stopped: ')
    await stage.drawFolded('closed', opened)
  },
  async unfinished(stage) {
    const opened = await stage.issue('Move to the new API')
    const { repository } = opened
    stage.world.posthog.script({ repository, prompt: 'move all calls' }, { kind: 'manual' })
    stage.world.posthog.script(
      { repository, prompt: 'ended before it was finished' },
      {
        kind: 'stopsShort',
        by: 'timed_out_wall_clock',
        text: 'Billing and orders use the new API now. Next are the 40 calls of the reports.',
      },
    )
    const asked = await opened.begins('/codex move all calls to the new API')
    const run = opened.run(0)
    await atWork(run, ['src/billing.ts', 'src/orders.ts'])
    await run.openPull({ title: 'Move to the new API' })
    await opened.thread.waitForStatus('Codex still works on it')
    await run.say('First I move billing.')
    await run.stopShort('timed_out_wall_clock')
    await opened.thread.waitForReaction('confused', asked.id)
    await stage.drawFolded('unfinished', opened)
  },
  async failed(stage) {
    stage.world.posthog.script(
      ({ taskTitle }) => taskTitle.includes('Old lockfile'),
      { kind: 'fails', message: 'Agent error: the sandbox ran out of memory' },
      { times: 2 },
    )
    const opened = await stage.issue('Old lockfile')
    await opened.says('/codex update the lockfile', 'confused')
    await stage.drawFolded('failed', opened)
    await opened.says('/codex retry', 'rocket')
    await stage.drawFolded('retry', opened)
  },
  async limit(stage) {
    const first = await stage.issue('The one of today', 'limits: {repository_per_day: 1}\n')
    await first.says('/codex do it')
    await first.thread.waitForFolded()
    const second = await stage.issueBeside(first, 'One too many')
    await second.says('/codex fix the flaky login test', 'eyes')
    await second.thread.waitForStatus('⏳ Codex waits until')
    await stage.draw('limit', second)
  },
  async replies(stage) {
    await replied(stage, 'help')
    await replied(stage, 'config')
  },
  async mistakes(stage) {
    const opened = await stage.issue('Login is flaky')
    const said: [string, string][] = [
      ['/codex sotp', 'Did you mean `/codex stop`'],
      ['/codex --modle gpt-5 do it', 'Did you mean `--model`'],
      ['Before the release:\n\n- /codex fix the flaky login test', 'at the start of a line'],
    ]
    const isRefused = async ({ id }: { id: number }, reply: string) => {
      await opened.thread.waitForAnswer(reply)
      await opened.thread.waitForReaction('-1', id)
    }
    for (const [text, reply] of said) await isRefused(await opened.says(text), reply)
    const rita = stage.world.github.as('rita', opened.repository)
    await isRefused(await rita.comments(opened.number, '/codex do it'), 'you need write permission')
    await stage.draw('mistakes', opened)
  },
  async settings(stage) {
    const slips = 'modle: gpt-5\neffort: enormous\nlimits:\n  person: many\n'
    const opened = await stage.issue('Login is flaky', slips)
    const asked = await opened.says('/codex fix the flaky login test')
    await opened.thread.waitForAnswer('has 3 problems')
    await opened.thread.waitForReaction('-1', asked.id)
    await stage.draw('settings', opened)
  },
}

/** The story of the moving picture, whose agent takes minutes, as a real one does. It comes last: the clock goes on for all. */
async function work(stage: Stage): Promise<void> {
  stage.world.posthog.script(command.slice('/codex '.length), { kind: 'manual' })
  const opened = await stage.issue('Login is flaky')
  await opened.maya.pushes('main', files)
  const { text = '', ...pull } = fixesLogin(`${opened.repository}#${opened.number}`)
  await opened.begins(command)
  const run = opened.run(0)
  await atWork(run, Object.keys(pull.files ?? {}))
  await opened.thread.waitForStatus('Running checks')
  await stage.draw('working', opened)
  passed.ms = 284_000
  run.summarize(text)
  await run.openPull(pull)
  await run.completeTurn(text)
  await opened.thread.waitForAnswer('Codex opened draft')
  await stage.drawFolded('pull-request', opened)
  const number = Number((await stage.world.github.pulls(opened.repository))[0]?.number)
  await opened.maya.readies(number)
  await opened.maya.mergesPull(number)
  await opened.thread.waitForAnswer('🎉 **Merged**')
  await stage.draw('merged', opened)
}

/** PostHog covers nobody's repository meanwhile, so it comes when the others are over. */
async function doctor(stage: Stage): Promise<void> {
  const fault = { kind: 'status', code: 200, body: { repositories: [] } } as const
  const uncovered = stage.world.posthog.fault({
    route: 'github-repos',
    times: Number.POSITIVE_INFINITY,
    fault,
  })
  await replied(stage, 'doctor', 'olga')
  uncovered.cancel()
}

/** All of them in one bot would keep each other waiting. */
const scenesAtOnce = 8

export async function driveThreads(options: WorldOptions = {}): Promise<DrivenThreads> {
  const world = await startWorld({ ...options, posthog: { watched: true } })
  try {
    const stage = new Stage(world)
    const inTurn = pLimit(scenesAtOnce)
    await inTurn.map(Object.values(scenes), scene => scene(stage))
    await doctor(stage)
    await work(stage)
    const { drawn } = stage
    return Object.fromEntries(
      Object.keys(pictures).flatMap(name => (drawn[name] ? [[name, drawn[name]]] : [])),
    )
  } finally {
    passed.ms = 0
    await world.close()
  }
}
