/** What a step may touch: most of it is said in types, so that `npm run check` fails where a line expects an error in vain. */
import { describe, expect, test } from 'vitest'
import { stepNeeds } from '../../src/core/record/next-step.ts'
import { registry } from '../../src/runs/steps/registry.ts'
import { step } from '../../src/runs/steps/step-context.ts'

const entries = Object.values(registry).map(each => [each.kind, each] as const)

const refused = [
  step('edit-status', {
    github: ['comments.edit'],
    writes: ['report'],
    async do({ github, posthog, save, run }) {
      await github.comments.edit(1, '')
      // @ts-expect-error: it only edits
      await github.comments.post('')
      // @ts-expect-error: it has no business with PostHog
      await posthog.cost('')
      // @ts-expect-error: it may change the report alone
      await save({ session: { cost: 1 } })
      // @ts-expect-error: nor is anything changed in place
      run.report = { ...run.report, answerTo: 'zoe' }
      return { report: { status: undefined } }
    },
  }),
  // @ts-expect-error: of a part that it does not name, nothing may come back
  step('gather-context', { writes: ['workspace'], do: ({ run }) => ({ report: run.report }) }),
  // @ts-expect-error: what it is about is its own
  step('adopt-pull', { writes: [], do: (_, { option }) => ({ option }) }),
]

describe('the registry of steps', () => {
  test.each(entries)('%s calls the service that it waits for, if it calls any', (_, step) => {
    const { github = [], posthog = [] } = step
    const { service } = stepNeeds[step.kind]
    if (service === 'github') expect(github.length).toBeGreaterThan(0)
    if (service === 'posthog') expect(posthog.length).toBeGreaterThan(0)
    // What is only nice to know never holds a step up.
    if (service !== 'github' && github.length > 0) expect(github).toEqual(['comments.attachments'])
  })

  test('what a step does not name is refused by the compiler, of which this is only a sample', () =>
    expect(refused.map(({ kind }) => kind)).toEqual([
      'edit-status',
      'gather-context',
      'adopt-pull',
    ]))

  test('nobody changes how things stood when the Run was asked for', () =>
    expect(entries.filter(([, { writes }]) => writes.includes('baseline'))).toEqual([]))
})
