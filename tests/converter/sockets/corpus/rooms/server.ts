import { createServer } from 'node:http';
import { Server, type Socket } from 'socket.io';

interface Vote { choice: string }

const http = createServer();
const io = new Server(http, { cors: { origin: '*' } });
const CHOICES: readonly string[] = ['tea', 'coffee'];
const counts = new Map<string, number>();

async function valid(vote: Vote): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return CHOICES.includes(vote?.choice);
}

io.on('connection', (socket: Socket) => {
  let name = 'nobody';

  socket.on('vote', async (vote: Vote, answer: (ok: boolean) => void) => {
    const ok = await valid(vote);
    if (ok) io.emit('voted', vote.choice);
    socket.emit('thanks', vote?.choice ?? null);
    answer?.(ok);
  });
  socket.on('typing', (who: string) => socket.broadcast.emit('typing', who));
  socket.on('choices', (answer) => answer(CHOICES));
  socket.on('name', (given: string) => {
    name = given;
  });
  socket.on('count', (vote: Vote) => {
    counts.set(vote.choice, (counts.get(vote.choice) ?? 0) + 1);
  });
  socket.on('join', (room: string) => socket.join(room));
  socket.on('disconnect', () => io.emit('left', name));
});

http.listen(3001);
