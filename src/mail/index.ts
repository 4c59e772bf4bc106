export type { Letter } from './letter.ts'
export { createMailer, type Mailer, type MailerOptions, type MailSettings } from './mailer.ts'
export { devMailRoutes } from './routes.ts'
export { mailRecipients } from './tables.ts'
