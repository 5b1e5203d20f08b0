/** How the agent's edits reach GitHub: a push to the branch of an open pull request, or a draft of its own. */
import type { Desk } from './agent.ts'
import type { OpensPull } from './behaviour.ts'
import { pause } from './pause.ts'

type Plan = Omit<OpensPull, 'kind'>

/** @returns what the agent says of it */
export async function publish(plan: Plan, desk: Desk): Promise<string> {
  const target = await openPullToJoin(desk)
  if (!target) return openOwnPull(plan, desk)
  await pushToBranch(desk, target.branch, plan.files)
  return `Pushed the change to \`${target.branch}\`, the branch of #${target.number}.`
}

/** The pull request the agent may add to: that of its own earlier work, or the one whose head it was started on. */
async function openPullToJoin({ run, repository, base, settings }: Desk) {
  const heads = [run.working?.name, base].filter(name => name !== undefined)
  for (const branch of heads) {
    const pull = await settings.hands.openPullFor(repository, branch)
    if (pull) return { branch, ...pull }
  }
  return undefined
}

export async function pushToBranch(
  desk: Desk,
  branch: string,
  files?: Record<string, string>,
): Promise<void> {
  const { run, settings, repository } = desk
  await commit(desk, branch, files)
  run.working = { name: branch, pull: await settings.hands.openPullFor(repository, branch) }
  run.change({ branch })
  reportHead(desk, branch)
}

async function openOwnPull(plan: Plan, desk: Desk): Promise<string> {
  const { run, repository, settings, base, signal } = desk
  const title = plan.title ?? run.task.title
  const head = await freeBranch(desk, title)
  await commit(desk, head, plan.files)
  run.working = { name: head, pull: undefined }
  run.change({ branch: head })
  await pause(settings.timing.publish, signal)
  const pull = await settings.hands
    .openPull(repository, { head, base, title, body: plan.body ?? pullBody(desk), draft: true })
    .catch((thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown))))
  reportHead(desk, head)
  if (pull instanceof Error) return brokenPull(desk, head, pull)
  run.working = { name: head, pull: { ...pull, base } }
  run.addOutput({ pr_url: pull.url, pr_urls: [pull.url] })
  run.progress('pr', 'completed', 'Opened pull request', pull.url)
  return `Opened a draft pull request: ${pull.url}`
}

async function brokenPull(
  { base, repository, settings }: Desk,
  head: string,
  failure: Error,
): Promise<string> {
  const there = await settings.hands.branchExists(repository, base)
  const reason = there ? failure.message : `base branch \`${base}\` does not exist on the remote`
  return `I pushed \`${head}\`, but \`gh pr create --draft --base ${base}\` failed: ${reason}.`
}

function reportHead({ run, repository }: Desk, branch: string): void {
  run.addOutput({ head_branch: branch, head_branches: [{ repository, branch }] })
}

async function commit(desk: Desk, branch: string, files?: Record<string, string>): Promise<void> {
  const { run, repository, settings, base, baseExists } = desk
  // Its clone has the base still when somebody has taken that off the remote meanwhile.
  const there = baseExists && (await settings.hands.branchExists(repository, base))
  const from = there ? base : await settings.hands.defaultBranch(repository)
  const edits = files ?? { [`agent/${run.id}.md`]: `${run.task.title}\n` }
  await settings.hands.commit(repository, branch, from, edits, run.task.title)
}

async function freeBranch({ repository, settings, run }: Desk, title: string): Promise<string> {
  const slug = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40)
  for (let n = run.task.number; ; n += 1) {
    const name = `posthog/${slug || 'task'}-${n}`
    if (!(await settings.hands.branchExists(repository, name))) return name
  }
}

function pullBody({ run, repository, prompt }: Desk): string {
  const issue = /([\w.-]+\/[\w.-]+)#(\d+)/.exec(`${run.prompt}\n${prompt}`)
  const closes = issue?.[1]?.toLowerCase() === repository ? `Closes #${issue[2]}\n\n` : ''
  return `${run.task.title}\n\n${closes}---\n*Created with PostHog*\n`
}
