/** Failures that flows decide on. Anything else thrown is a bug, and is retried. */

/** The service said no. An effect did not happen and never will; a read may succeed next time. */
export class Rejected extends Error {
  override name = 'Rejected'
  readonly service: Service
  readonly status: number
  readonly code: string
  readonly field: string | undefined
  readonly of: CallKind

  constructor(
    service: Service,
    status: number,
    code: string,
    message: string,
    field?: string,
    of: CallKind = 'effect',
  ) {
    super(message)
    this.service = service
    this.status = status
    this.code = code
    this.field = field
    this.of = of
  }
}

export type CallKind = 'read' | 'effect'

export const asRead = <T>(fault: T): T | Rejected =>
  fault instanceof Rejected
    ? new Rejected(fault.service, fault.status, fault.code, fault.message, fault.field, 'read')
    : fault

/** The effect did not happen; the service asks to come back at `until` (ms since the epoch). */
export class RetryLater extends Error {
  override name = 'RetryLater'
  readonly service: Service
  readonly until: number
  readonly why: WaitReason

  constructor(service: Service, until: number, why: WaitReason, message: string) {
    super(message)
    this.service = service
    this.until = until
    this.why = why
  }
}

/** Half of what the lock of a job lasts, ms. */
const longestPreparation = 5_000

/**
 * Right before an effect is sent, whose worker had the job's lock at `since`: it may have slept since, and lost it.
 * @throws RetryLater
 */
export function assertPrompt(service: Service, since: number, now: number): void {
  if (now - since > longestPreparation)
    throw new RetryLater(
      service,
      now,
      'unavailable',
      'this process was held up before it could send',
    )
}

/** No usable answer came: the effect may or may not have happened. Look before doing it again. */
export class NoResponse extends Error {
  override name = 'NoResponse'
  readonly service: Service
  /** The status with which the service itself said why; that of a proxy before it does not count. */
  readonly said: number | undefined
  /** The status of an answer that does not look like the service's. */
  readonly strange: number | undefined
  /** ms since the epoch: the service asks not to come back before. */
  readonly until: number | undefined

  constructor(
    service: Service,
    message: string,
    options?: ErrorOptions & Partial<Pick<NoResponse, 'said' | 'strange' | 'until'>>,
  ) {
    super(message, options)
    this.service = service
    this.said = options?.said
    this.strange = options?.strange
    this.until = options?.until
  }
}

/** Our own queue could not be reached, or did not answer. It says nothing of the job that met it: no attempt. */
export class QueueUnavailable extends Error {
  override name = 'QueueUnavailable'
}

export type Service = 'github' | 'posthog'
export const serviceNames: Record<Service, string> = { github: 'GitHub', posthog: 'PostHog' }
/** `not-ready`: only the agent takes nothing now. `setup`: whoever runs the bot has to mend it. */
export type WaitReason = 'rate-limit' | 'usage-limit' | 'unavailable' | 'not-ready' | 'setup'

/** GitHub's answer where there are no refs or commits yet. */
export const isEmptyRepository = (error: unknown): error is Rejected =>
  error instanceof Rejected && error.status === 409 && /repository is empty/i.test(error.message)

/** GitHub says so of a call for which the owner has not accepted the App's permission. */
export const lacksPermission = ({ message }: { message: string }): boolean =>
  /not accessible by integration/i.test(message)

export function isNotFound(error: unknown): error is Rejected {
  return error instanceof Rejected && (error.status === 404 || error.status === 410)
}

/** @throws anything but a refusal */
export function unlessRejected(error: unknown): undefined {
  if (!(error instanceof Rejected)) throw error
}

/** Does what `unlessRejected` does, and logs the refusal. */
export const loggedIfRejected =
  (log: { warn(fields: object, message: string): void }, message: string, fields: object = {}) =>
  (err: unknown): undefined => {
    unlessRejected(err)
    log.warn({ ...fields, err }, message)
  }

/** Whether it is a service's fault, and none of ours. */
export const isOfService = (error: unknown): error is Rejected | NoResponse | RetryLater =>
  error instanceof Rejected || error instanceof NoResponse || error instanceof RetryLater

/** A file that is refused for good. The message completes a sentence that begins with its name. */
export class BadAttachment extends Error {
  override name = 'BadAttachment'
}

export class ResultPending extends Error {
  override name = 'ResultPending'
  readonly until: number

  constructor(until: number) {
    super('an unanswered write may still become visible')
    this.until = until
  }
}

/** What a look at a service says of its fault. */
export const unansweredBy = (service: Service, error: unknown): string =>
  error instanceof NoResponse
    ? error.message
    : `${serviceNames[service]} did not answer: ${describe(error)}`

/** Node's error for a host with several addresses has an empty message. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : error.name
  return error.message || code
}
