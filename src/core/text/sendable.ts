/** PostHog refuses a text with half a character pair or a NUL in it; neither says anything to anybody. */
export const sendable = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd')

export const isSendable = (text: string): boolean => text.isWellFormed() && !text.includes('\0')
