/** What a step may touch: most of it is said in types, so that `npm run check` fails where a line expects an error in vain. */
import { describe, expect, test } from 'vitest'
import type { RunPart } from '../../src/core/record/run.ts'
import { steps } from '../../src/core/record/steps.ts'
import type { StepFunctions } from '../../src/runs/steps/step-context.ts'

const entries = Object.entries(steps)

const writers = (part: RunPart): string[] =>
  entries.filter(([, { writes }]) => writes.includes(part)).map(([kind]) => kind)

const refused: StepFunctions<'edit-status' | 'gather-context'> = {
  async 'edit-status'({ github, posthog, save, run }) {
    await github.edit(1, '')
    // @ts-expect-error: it only edits
    await github.comment('')
    // @ts-expect-error: it has no business with PostHog
    await posthog.cost('')
    // @ts-expect-error: it may change the report alone
    await save({ session: { cost: 1 } })
    // @ts-expect-error: nor is anything changed in place
    run.report = { ...run.report, answerTo: 'zoe' }
    return { report: { status: undefined } }
  },
  // @ts-expect-error: of a part that it does not name, nothing may come back
  'gather-context': ({ run }) => ({ report: run.report }),
}

describe('the registry of steps', () => {
  test.each(entries)('%s calls the service that it waits for, if it calls any', (_, step) => {
    const { service, github = [], posthog = [] } = step
    if (service === 'github') expect(github.length).toBeGreaterThan(0)
    if (service === 'posthog') expect(posthog.length).toBeGreaterThan(0)
    // What is only nice to know never holds a step up.
    if (service !== 'github' && github.length > 0) expect(github).toEqual(['attachments'])
  })

  test('what a step does not name is refused by the compiler, of which this is only a sample', () => {
    expect(Object.keys(refused)).toEqual(['edit-status', 'gather-context'])
  })

  test('nobody changes how things stood when the Run was asked for', () => {
    expect(writers('baseline')).toEqual([])
  })

  test('the writers of each part', () => {
    const parts = ['schedule', 'workspace', 'session', 'mailbox', 'result', 'report', 'attempts'] as const
    expect(Object.fromEntries(parts.map(part => [part, writers(part).join(' ')]))).toMatchInlineSnapshot(`
      {
        "attempts": "leave-agent let-go",
        "mailbox": "answer-message resume-work await-admission rejoin start-run deliver poll resume-turn let-go",
        "report": "post-status edit-status conclude tend-pull put-question answer-inline react unlabel drop-branch minimize-status resume-work rejoin start-run deliver adopt-pull let-go",
        "result": "tend-pull resume-work await-admission find-branch rejoin start-run deliver poll adopt-pull find-result resume-turn settle-outcome give-up let-go",
        "schedule": "await-admission find-branch rejoin end-earlier start-run answer-permission deliver poll cancel",
        "session": "resume-work ask-cost await-admission find-branch create-task rejoin end-earlier start-run answer-permission deliver poll resume-turn cancel give-up leave-agent",
        "workspace": "resume-work find-branch gather-context stage-attachments rejoin end-earlier start-run deliver resume-turn",
      }
    `)
  })
})
