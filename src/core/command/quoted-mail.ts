/** Where somebody else's words begin in an e-mail, or in an issue that was made of a comment: nothing there is a command. */

/** @returns the offset; the length of a text in which nobody else is quoted so. Linear time */
export function quotedFrom(text: string): number {
  const written = text.split('\n')
  // No line that a program writes is longer.
  const lines = written.map(line =>
    line.length > 4 * maxLine ? '' : line.trim().slice(0, maxLine),
  )
  if (lines.some(line => postedLine.test(line))) return 0
  const at = lines.findIndex((_, index) => quoteBegins(lines, index))
  return at === -1 ? text.length : written.slice(0, at).join('\n').length + (at > 0 ? 1 : 0)
}

/** `-----Original Message-----`, `---------- Weitergeleitete Nachricht ---------`, in any language. */
const dashed = /^[-=]{3,}\s*\p{L}[^-=]*[-=]{3,}$/u

/** `On Monday Eve wrote:`, and what has an address and a time and ends as that does. */
const verbs =
  'wrote|schrieb|a écrit|escribió|escreveu|ha scritto|scrisse|schreef|skrev|kirjoitti|írta|a scris|yazdı|napsala?|napísala?|napisała?|написала?|написав'
const wrote = new RegExp(String.raw`\S.*(?<!\p{L})(?:${verbs})(?:\(.\))?(?:\s.*)?\s?:$`, 'iu')
const wroteUnspaced = /.(?:写道|寫道|のメール|작성)\s?[:：]$/u
const byAddress = /\d.*\S@\S+.*[:：]$/u
/** Lines that it may be wrapped over, and characters of each. */
const maxWrapped = 4
const maxLine = 250

/** The head of a mail, as Outlook puts it above what it quotes. */
const field = (names: string) => new RegExp(String.raw`^[*_]*(?:${names})\s?[*_]*[:：]`, 'iu')
const firstField = field(
  'From|Von|De|Da|Van|Från|Fra|Lähettäjä|Od|От|Від|Kimden|Feladó|发件人|寄件者|差出人|보낸 사람',
)
const secondField = field(
  'Sent|Date|To|Subject|Gesendet|Datum|An|Betreff|Envoyé|À|Objet|Enviado|Para|Asunto|Assunto|Inviato|A|Oggetto|Verzonden|Aan|Onderwerp|Skickat|Till|Ämne|Sendt|Til|Emne|Lähetetty|Wysłano|Do|Temat|Отправлено|Кому|Тема|发送时间|收件人|主题|日期|送信日時|宛先|件名|보낸 날짜',
)

const otherQuotes = [
  /^(?:Begin forwarded message|Anfang der weitergeleiteten Nachricht|Début du message (?:réexpédié|transféré)|Inicio del mensaje reenviado|Inizio messaggio inoltrato)\s?:/iu,
  /Reply to this email directly/i,
  // GitHub makes issues of discussions so.
  /^#+\s*Discussed in\b/i,
  /^Discussed in https?:/i,
  /discussions-op-text/i,
]
/** And issues of comments, whose words stand above this line. */
const postedLine = /^[^\p{L}]*(?:<su[bp]>)?[^\p{L}]*Originally posted by\b/iu

const quoteBegins = (lines: readonly string[], at: number): boolean => {
  const line = lines[at] ?? ''
  if (line === '') return false
  if (dashed.test(line) || otherQuotes.some(pattern => pattern.test(line))) return true
  const next = lines.slice(at + 1, at + maxWrapped)
  if (firstField.test(line) && next.some(each => secondField.test(each))) return true
  const end = next.indexOf('')
  const wrapped = next.slice(0, end === -1 ? undefined : end)
  // People write so, too, but neither when nor from which address.
  // A command is none.
  const isDated = /^[^/@].*(?:\d|\S@\S)/u.test(line) || /^On\s/i.test(line)
  if (!isDated) return false
  return [line, ...wrapped.map((_, n) => [line, ...wrapped.slice(0, n + 1)].join(' '))].some(
    words =>
      /[:：]$/.test(words) &&
      [wrote, wroteUnspaced, byAddress].some(pattern => pattern.test(words)),
  )
}
