export class ResultPending extends Error {
  override name = 'ResultPending'
  readonly until: number

  constructor(until: number) {
    super('an unanswered write may still become visible')
    this.until = until
  }
}
