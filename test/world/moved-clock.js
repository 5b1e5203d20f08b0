/** Preloaded into a bot: its machine's clock, which CLOCK_AHEAD has wrong and which SIGUSR2 moves by CLOCK_STEP (ms). */
const Right = Date
let ahead = Number(process.env.CLOCK_AHEAD ?? 0)
globalThis.Date = class extends Right {
  constructor(...given) {
    if (given.length > 0) super(...given)
    else super(Right.now() + ahead)
  }
  static now() {
    return Right.now() + ahead
  }
}
process.on('SIGUSR2', () => {
  ahead += Number(process.env.CLOCK_STEP ?? 0)
  console.log('the clock was moved')
})
