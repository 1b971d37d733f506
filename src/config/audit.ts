import { integer, type Values } from './fields.ts';

export const auditVariables = {
  KEYHEARTH_AUDIT_DAYS: integer(0, 36_500).prefault('400').meta({
    description:
      'How many days audit events are kept. 0 keeps them for ever. See [See who changed what](audit.md).',
  }),
};

export type AuditConfig = Readonly<{ auditDays: number }>;

export const auditConfig = (env: Values<typeof auditVariables>): AuditConfig => ({
  auditDays: env.KEYHEARTH_AUDIT_DAYS,
});
