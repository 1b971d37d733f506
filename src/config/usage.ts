import { integer, type Values } from './fields.ts';

export const usageVariables = {
  KEYHEARTH_USAGE_DAYS: integer(0, 3_650).prefault('90').meta({
    description:
      'How many days the counts of verifications are kept. 0 counts none, and removes those that exist; `use_count` stays. See [See how often keys are used](usage.md).',
  }),
};

export type UsageConfig = Readonly<{ usageDays: number }>;

export const usageConfig = (env: Values<typeof usageVariables>): UsageConfig => ({
  usageDays: env.KEYHEARTH_USAGE_DAYS,
});
