/** The one comment of each thread at the quiet services: the command. */
export const command = '/codex fix the flaky login test'

export const commandId = (owner: string, number: number): number =>
  Number(owner.replace('owner-', '')) * 100_000 + number
