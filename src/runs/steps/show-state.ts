import { stateLabels, stateOf, states } from '../../core/record/run-state.ts'
import { triggerOf } from '../../core/settings/deployment-settings.ts'
import { ignoreRefusal } from './markers.ts'
import { step } from './step-context.ts'

/**
 * Set only when the state changes: whoever takes the label off by hand has it so until then. Of what GitHub refuses,
 * nothing is made: it is decoration.
 */
export const showState = step('show-state', {
  github: ['showState', 'removeLabel'],
  writes: ['report'],
  async do(context) {
    const { run, deps, job, github } = context
    const [base = ''] = triggerOf(deps.settings.deployment, run.thread.ownerId).labels
    const nameOf = (state: string): string => `${base}:${state}`
    const state = stateOf(run)
    const before = run.report.state
    await job.assertLocked()
    if (state) {
      const others = states.filter(each => each !== state).map(nameOf)
      await ignoreRefusal(context, github.showState({ name: nameOf(state), ...stateLabels[state] }, others))
    } else if (before) await ignoreRefusal(context, github.removeLabel(nameOf(before)))
    return { report: { state } }
  },
})
