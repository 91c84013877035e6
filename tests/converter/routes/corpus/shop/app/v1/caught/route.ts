import { cookies } from 'next/headers';
import { notFound, redirect, unstable_rethrow } from 'next/navigation';

export async function GET(request: Request) {
  const by = new URL(request.url).searchParams.get('by');
  (await cookies()).set('tried', '1');
  try {
    if (by === 'absence') notFound();
    redirect('/inside');
  } catch (error) {
    const { message, digest } = error as Error & { digest?: string };
    if (by === 'message' && message === 'NEXT_REDIRECT') throw error;
    if (by === 'digest' && digest?.startsWith('NEXT_REDIRECT;')) throw error;
    if (by === 'absence' && digest === 'NEXT_HTTP_ERROR_FALLBACK;404') throw error;
    if (by === 'name') unstable_rethrow(error);
    return Response.json({ message, digest });
  }
}
