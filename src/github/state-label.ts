import { isNotFound, Rejected } from '../core/model/errors.ts'
import type { StateLabel } from '../core/model/views.ts'
import type { ThreadAccess } from './read-ahead.ts'
import { unlessGone } from './response-faults.ts'

export function stateLabelOf({ client: { rest }, at, thread }: ThreadAccess) {
  const issue = { ...at, issue_number: thread.number }
  const add = async (name: string) => (await rest.issues.addLabels({ ...issue, labels: [name] })).data

  async function added(label: StateLabel) {
    try {
      return await add(label.name)
    } catch (error) {
      const isUnknown = isNotFound(error) || (error instanceof Rejected && error.status === 422)
      if (!isUnknown) throw error
      await rest.issues.createLabel({ ...at, ...label })
      return add(label.name)
    }
  }

  return {
    /** May be repeated. What GitHub answers says which labels are there, whatever was done before. */
    async showState(label: StateLabel, others: readonly string[]): Promise<void> {
      const there = await added(label)
      const isNamed =
        (wanted: string) =>
        ({ name }: { name: string }): boolean =>
          name.toLowerCase() === wanted.toLowerCase()
      const mine = there.find(isNamed(label.name))
      // GitHub makes what is missing by itself, in grey and without a description.
      if (mine && !mine.description) await rest.issues.updateLabel({ ...at, ...label, name: mine.name })
      for (const { name } of there.filter(each => others.some(other => isNamed(other)(each))))
        await unlessGone(() => rest.issues.removeLabel({ ...issue, name }))
    },
  }
}
