/** A budget of calls that nobody ever uses up. */
import type { CallBudget } from '../../src/core/model/call-budget.ts'

export const unlimited: CallBudget = {
  reserve: async () => undefined,
  spend: async () => {},
  expectEnd: async () => {},
}
