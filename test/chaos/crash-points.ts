/** Where tests kill a process: after each effect, and before each that is done once. The services and the queue see these calls. */
import type { FaultRule as GitHubRule } from '../../emulators/github/faults.ts'
import type { FaultRule as PostHogRule } from '../../emulators/posthog/fault.ts'
import type { SceneName } from './plays.ts'

type Call =
  | { github: Pick<GitHubRule, 'method' | 'path' | 'operation' | 'asks'> }
  | { posthog: PostHogRule['route'] }
  /** As `mortal-main.js` names it. */
  | { queue: string }

const mutation = (operation: RegExp): Call => ({ github: { path: '/graphql', operation } })
const comment = (asks: RegExp): Call => ({
  github: { method: 'POST', path: /\/issues\/\d+\/comments$/, asks },
})
const edit = (asks: RegExp): Call => ({
  github: { method: 'PATCH', path: /\/issues\/comments\/\d+$/, asks },
})

/** Each with a scene that leads there, before those whose calls its thread makes later; `once`: announced before, and looked for. */
const effects = {
  'a command is queued': { scene: 'asked', call: { queue: 'add comment-' }, once: true },
  'a run is queued': { scene: 'asked', call: { queue: 'add run-' }, once: true },
  'a run is told': { scene: 'stopped', call: { queue: 'send run-' } },
  'a run is saved': { scene: 'labelled', call: { queue: 'save run-' } },
  'a command is saved': { scene: 'asked', call: { queue: 'save comment-' }, once: true },
  'a reply is posted': { scene: 'answered', call: comment(/"Write a command/) },
  'eyes are put on': { scene: 'asked', call: { github: { method: 'POST', path: /\/reactions$/ } } },
  'a status is posted': { scene: 'labelled', call: comment(/"### ⏳/), once: true },
  'a status is edited': { scene: 'asked', call: edit(/"### ⏳/) },
  'a branch is made': { scene: 'labelled', call: mutation(/^createLinkedBranch$/) },
  'a task is created': { scene: 'labelled', call: { posthog: 'create-task' }, once: true },
  'a run is started': {
    scene: 'asked',
    call: { posthog: /\/tasks\/(?!0{8})[^/]+\/run\/$/ },
    once: true,
  },
  'a message is answered': {
    scene: 'overtaken',
    call: comment(/started the run here after/),
    once: true,
  },
  'a message is said': { scene: 'steered', call: { posthog: 'command' }, once: true },
  'a session is rejoined': { scene: 'rejoined', call: { posthog: 'command' }, once: true },
  'an agent is let go': { scene: 'stopped', call: { posthog: 'cancel' } },
  'a pull request is seen': { scene: 'labelled', call: mutation(/^pullAndPerson$/) },
  'a pull request is put right': { scene: 'labelled', call: mutation(/^settleThread$/) },
  'a pull request is opened': {
    scene: 'pushed',
    call: { github: { method: 'POST', path: /\/pulls$/ } },
    once: true,
  },
  'a question is posted': { scene: 'questioned', call: comment(/has a question/), once: true },
  'a last word is posted': { scene: 'asked', call: comment(/Codex opened/), once: true },
  'a last word is edited': { scene: 'merged', call: edit(/\*\*Merged\*\*/) },
  'a line is answered': {
    scene: 'reviewed',
    call: { github: { method: 'POST', path: /\/comments\/\d+\/replies$/ } },
    once: true,
  },
  'threads are resolved': { scene: 'resolved', call: mutation(/^resolveThreads$/) },
  'a reaction is swapped': { scene: 'stopped', call: mutation(/^swapReaction$/) },
  'a label is removed': {
    scene: 'labelled',
    call: { github: { method: 'DELETE', path: /\/labels\/codex$/ } },
  },
  'a state is shown': {
    scene: 'asked',
    call: { github: { method: 'POST', path: /\/issues\/\d+\/labels$/ } },
  },
  'a branch is left for later': { scene: 'asked', call: { queue: 'add remove-branch-' } },
  'a branch is dropped': { scene: 'stopped', call: mutation(/^updateRefs$/) },
  'an unused branch is removed': { scene: 'idled', call: mutation(/^updateRefs$/) },
} satisfies Record<string, { scene: SceneName; call: Call; once?: true }>

type Effects = typeof effects
type Once = {
  [Name in keyof Effects]: Effects[Name] extends { once: true } ? Name : never
}[keyof Effects]
export type CrashPoint = `before ${Once}` | `after ${keyof Effects}` | 'before a run ends'

/** In the order of a Run's life, as far as it has one. TypeScript loses track of the names. */
export const crashPoints = [
  ...Object.entries<{ call: Call; once?: true }>(effects).flatMap(([name, { once }]) => [
    ...(once ? [`before ${name}`] : []),
    `after ${name}`,
  ]),
  'before a run ends',
] as CrashPoint[]

interface Death {
  scene: SceneName
  when: 'before' | 'after'
  call: Call
}

export function deathAt(point: CrashPoint): Death {
  if (point === 'before a run ends')
    return { scene: 'labelled', when: 'before', call: { queue: 'end run-' } }
  const [when, name] = point.split(/ (.*)/s) as [Death['when'], keyof Effects]
  return { ...effects[name], when }
}
