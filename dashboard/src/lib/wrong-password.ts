import { ApiError } from './api.ts';

/**
 * Names the field of the password when the service refuses it: its own sentence speaks of a sign-in.
 * @param path the name of the field
 */
export async function atPassword<Value>(path: string, act: () => Promise<Value>): Promise<Value> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'invalid_sign_in') throw error;
    const { status, code } = error;
    throw new ApiError('The password is wrong.', {
      status,
      code,
      errors: [{ path, message: 'The password is wrong.' }],
    });
  }
}
