/** Characters that a terminal heeds, that a page does not show, that change the direction of others, or that pile up on one letter. */

/** Unicode says which are ignored where a font does not know them; line feeds and tabs are blanks. */
const invisible = /(?![\t\n])[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}]/gu

/** More marks on a letter than any script has cover the lines around it. */
const piled = /(\p{M}{6})\p{M}+/gu

/** Other programs end lines here. On GitHub's page these are blanks, or nothing. */
const otherLineEnds = /[\v\f\x1c-\x1e\x85\p{Zl}\p{Zp}]/gu

/** Only a line feed ends a line. */
export const evenLines = (text: string): string =>
  text.replace(/\r\n?/g, '\n').replace(otherLineEnds, ' ')

/** Colours and links of a terminal: ECMA-48. */
const terminal = /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)/g

export const stripInvisible = (text: string): string =>
  evenLines(text.toWellFormed().replace(terminal, '')).replace(invisible, '').replace(piled, '$1')

/** PostHog refuses lone surrogates and NUL. */
export const sendable = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd')

export const isSendable = (text: string): boolean => text.isWellFormed() && !text.includes('\0')
