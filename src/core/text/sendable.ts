/** PostHog refuses lone surrogates and NUL. */
export const sendable = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd')

export const isSendable = (text: string): boolean => text.isWellFormed() && !text.includes('\0')
