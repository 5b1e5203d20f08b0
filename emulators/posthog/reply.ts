/**
 * What the server answers, and the bodies of its refusals. PostHog has four shapes of error body and clients must
 * read them all, so every one is built here and nowhere else.
 */
import type { ServerResponse } from 'node:http'

export interface Reply {
  status: number
  body?: unknown
  text?: string
  headers?: Record<string, string>
  /** Takes the response over (server-sent events). */
  stream?: (response: ServerResponse) => void
}

export class Refusal extends Error {
  readonly reply: Reply
  constructor(reply: Reply) {
    super(`refused with ${reply.status}`)
    this.reply = reply
  }
}

export const ok = (body: unknown, status = 200): Reply => ({ status, body })

/** `{"error": …}`, the hand-written shape of the run actions. */
export const error = (status: number, message: string, extra: object = {}): Reply => ({
  status,
  body: { error: message, ...extra },
})

const general = (
  status: number,
  type: string,
  code: string,
  detail: string,
  attr: string | null = null,
) => new Refusal({ status, body: { type, code, detail, attr } })

export const invalid = (attr: string | null, detail: string, code = 'invalid_input') =>
  general(400, 'validation_error', code, detail, attr)

export const notFound = (detail = 'Not found.') =>
  general(404, 'invalid_request', 'not_found', detail)

export const serverError: Reply = {
  status: 500,
  body: { type: 'server_error', code: 'error', detail: 'A server error occurred.', attr: null },
}

export const methodNotAllowed = (method: string) =>
  general(405, 'invalid_request', 'method_not_allowed', `Method "${method}" not allowed.`)

export const unsupportedMediaType = (mediaType: string) =>
  general(
    415,
    'invalid_request',
    'unsupported_media_type',
    `Unsupported media type "${mediaType}" in request.`,
  )

export const malformedJson = () =>
  general(
    400,
    'invalid_request',
    'parse_error',
    'JSON parse error - Expecting value: line 1 column 1 (char 0)',
  )

export const notAuthenticated = general(
  401,
  'authentication_error',
  'not_authenticated',
  'Authentication credentials were not provided.',
)

export const authenticationFailed = general(
  401,
  'authentication_error',
  'authentication_failed',
  'Personal API key found in request Authorization header is invalid.',
)

export const scopeMissing = (scope: string) =>
  general(
    403,
    'authentication_error',
    'permission_denied',
    `API key missing required scope '${scope}'`,
  )

/** The wait is in the text alone: the exception handler sets no `Retry-After`. */
export function throttled(seconds: number): Refusal {
  const unit = seconds === 1 ? 'second' : 'seconds'
  const detail = `Request was throttled. Expected available in ${seconds} ${unit}.`
  return general(429, 'throttled_error', 'throttled', detail)
}

export const githubAuthorizationRequired = (detail: string) =>
  invalid('pr_authorship_mode', detail, 'github_authorization_required')

export const badDetail = (detail: string, extra: object = {}) =>
  new Refusal({ status: 400, body: { detail, ...extra } })
