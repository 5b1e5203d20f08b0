/** `--dry-run`: everything is read and decided as usual, and nothing is done. */
import { heldByOthers, heldByUs } from '../access/reasons-to-wait.ts'
import { runRequest } from '../core/agent/run-request.ts'
import { stemOf } from '../core/model/branch-name.ts'
import { isFork } from '../core/model/thread.ts'
import { isModel } from '../core/model/views.ts'
import { chooseIssueBranch } from '../core/record/issue-branch.ts'
import { baseOf, changed, type Run } from '../core/record/run.ts'
import { heldSettings } from '../core/settings/layers.ts'
import type { PlannedBranch, Would } from '../core/words/dry-run.ts'
import type { Reply } from '../core/words/replies.ts'
import type { Command, Decision, Request } from './command.ts'
import { type CommandContext, type CommandResult, replied, settingsOf } from './command-context.ts'
import { commands } from './command-registry.ts'
import { readsFor } from './reads.ts'

export async function rehearse(
  context: CommandContext,
  command: Command,
  request: Request,
): Promise<CommandResult> {
  const facts = await command.facts(readsFor(context, commands), request)
  const would = await outlook(context, command.decide(request, facts))
  const { sender } = context.record
  const role = sender?.kind === 'known' ? sender.name : 'unknown'
  const { settings } = await settingsOf(context)
  const least = settings.permissions[command.name] ?? command.least
  return replied({ kind: 'dry-run', command: command.name, role, least, would, now: context.deps.now() })
}

async function outlook(context: CommandContext, decision: Decision): Promise<Would<Reply>> {
  switch (decision.kind) {
    case 'reply':
      return { kind: 'answer', reply: decision.reply }
    case 'reject':
      return { kind: 'refusal', reply: decision.reply }
    case 'start':
      return startOutlook(context, decision.run)
    case 'message':
      return { kind: 'message', what: decision.message.kind }
    case 'wait':
    case 'take-over':
    case 'replace':
      return { kind: 'after' }
    case 'pause':
      if (decision.reply.kind === 'nothing-to') return { kind: 'answer', reply: decision.reply }
      return { kind: decision.pause.paused ? 'pause' : 'resume' }
    case 'started':
    case 'look-again':
    case 'silence':
      return { kind: 'nothing' }
  }
}

async function startOutlook(context: CommandContext, planned: Run): Promise<Would<Reply>> {
  const { deps, github, job } = context
  const run = changed(planned, { session: { tenant: deps.tenant } })
  const now = deps.now()
  const { deployment } = deps.settings
  const own = { ...deps, index: deps.runs, github, deployment, now }
  const me = { id: run.id, addedAt: job.addedAt, run }
  const [branch, ours, others, models, { settings, grants, files }] = await Promise.all([
    branchFor(context, run),
    heldByUs(me, own),
    heldByOthers(me, github, own),
    deps.posthog.models(),
    settingsOf(context),
  ])
  const held = heldSettings({ settings, grants, files, usual: deps.defaults })
  return {
    kind: 'start',
    what: run.request.what,
    goesOn: run.session.earlier?.resumes !== false && run.session.taskId !== undefined,
    branch,
    model: run.request.options.model,
    effort: run.request.options.effort,
    costFactor: models.find(isModel(run.request.options.model))?.costFactor,
    waits: ours.waits ?? others.waits,
    settings: held.filter(({ from }) => from.some(({ kind }) => kind !== 'default')),
    request: runRequest({
      ...run.request.options,
      branch: branch.name,
      prompt: '(your words, the title and description, and what people with write permission wrote)',
    }),
  }
}

async function branchFor({ github }: CommandContext, run: Run): Promise<PlannedBranch> {
  const { thread, request, baseline, result } = run
  const into = baseOf(run) ?? thread.defaultBranch
  const open = result.pulls.find(({ state }) => state === 'open')
  const named = request.options.branch ?? open?.head
  if (named !== undefined) return { name: named, isNew: false, into: open?.base ?? into }
  if (baseline.head && isFork(baseline.head, thread))
    return { name: baseline.head.base, isNew: false, into: baseline.head.base }
  if (thread.kind === 'pull')
    return { name: baseline.head?.ref ?? into, isNew: false, into: baseline.head?.base ?? into }
  const branches = await github.issueBranches(stemOf(baseline.settings.branch_prefix, thread.number))
  const chosen = chooseIssueBranch(run, branches)
  switch (chosen.kind) {
    case 'ours':
    case 'linked':
      return { name: chosen.branch.name, isNew: false, into }
    case 'base':
      return { name: into, isNew: false, into }
    case 'new':
      return { name: chosen.name, isNew: true, into }
  }
}
