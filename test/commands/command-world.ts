/** A Run in hand for one test, with services that answer as the test says. */
import { expect } from 'vitest'
import type { LockedJob, TasksClient } from '../../src/core/model/ports.ts'
import { markerSigner } from '../../src/core/record/marker.ts'
import type { StepKind } from '../../src/core/record/next-step.ts'
import { changed, type Run } from '../../src/core/record/run.ts'
import { usualTrigger } from '../../src/core/settings/deployment-settings.ts'
import {
  type RunContext,
  type RunDeps,
  runContext,
  type Step,
  type StepOf,
} from '../../src/runs/steps/step-context.ts'
import { deployment, t0 } from '../core/given.ts'
import { clientOf, type GitHubCalls } from '../support/client-of.ts'
import { deploymentWith } from '../support/deployment.ts'
import { fakeLog } from '../support/fake-log.ts'
import { memoryIndex } from '../support/memory-index.ts'
import { shownIn } from '../support/pages.ts'
import { unlimited } from '../support/unlimited.ts'

export type Differs = Partial<Omit<RunDeps, 'github' | 'posthog'>> &
  Partial<Omit<LockedJob<Run>, 'data' | 'settings'>> & {
    github?: Partial<GitHubCalls>
    posthog?: Partial<TasksClient>
  }

interface Given {
  deps: RunDeps
  job: LockedJob<Run>
}

/** The client with these methods; whoever calls another one has its test fail. */
const only = <T extends object>(service: string, methods: Partial<T>): T =>
  new Proxy(methods, {
    get: (known, name) =>
      Reflect.get(known, name) ??
      (name === 'pages.shown' ? shownIn : undefined) ??
      (() => expect.fail(`${service}.${String(name)} is called`)),
  }) as T

/** Nobody else is at work, and nobody is told. */
export const quietDeps = (): Omit<RunDeps, 'github' | 'posthog' | 'signer' | 'settings'> => ({
  deployment,
  log: fakeLog(),
  now: () => t0,
  budget: unlimited,
  liveRuns: async () => 1,
  index: memoryIndex(() => []),
  wakeFirst: async () => {},
  wakeCommands: async () => {},
  stream: { watch: () => false, expectPoll() {}, unwatch() {} },
  usualModel: 'gpt-5.5',
  userToken: undefined,
  removeLater: async () => expect.fail('a branch is left for later'),
  triggerOf: () => usualTrigger,
  rememberAsked: () => {},
  requeue: async () => expect.fail('a command is asked again'),
  stops: async () => ({ judged: [], unjudged: [] }),
  waitsStill: async () => false,
  fence: () => 'f'.repeat(16),
})

export function given(run: Run, differs: Differs = {}): Given {
  const { github = {}, posthog = {}, ...rest } = differs
  const deps: RunDeps = {
    ...quietDeps(),
    github: () => clientOf(only<GitHubCalls>('github', github)),
    posthog: only<TasksClient>('posthog', posthog),
    signer: markerSigner('secret'),
    settings: deploymentWith(),
    ...rest,
  }
  const job: LockedJob<Run> = {
    id: run.id,
    data: run,
    addedAt: t0,
    stalls: 0,
    failures: 0,
    signal: new AbortController().signal,
    assertLocked: async () => {},
    save: async () => {},
    saveIf: async (_guards, data) => {
      await job.save(data)
      return true
    },
    inbox: async () => [],
    closeInbox: () => job.inbox(),
    ...rest,
  }
  return { deps, job }
}

export function handWith(run: Run, differs: Differs = {}): RunContext {
  const { deps, job } = given(run, differs)
  return runContext(deps, job)
}

/** The record after a step. */
export async function afterStep<Kind extends StepKind>(
  step: Step<Kind>,
  context: RunContext,
  ...[about]: Record<string, never> extends Omit<StepOf<Kind>, 'kind'>
    ? []
    : [Omit<StepOf<Kind>, 'kind'>]
): Promise<Run> {
  const change = await step.do(context, { kind: step.kind, ...about } as StepOf<Kind>)
  return changed(context.run, change)
}
