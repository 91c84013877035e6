/* Tries to get out of the sandbox, and prints the name of each way that is open.
 *
 * Arguments: a secret file outside, a read-only directory, the process id of the forge, a TCP port of the
 * machine. It changes nothing but scratch files: where an attempt would change the machine if it succeeded,
 * its arguments are invalid, so that only the refusal (EPERM) differs from an open way (EINVAL, EFAULT).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int attempts;

static void report(const char *name, int is_open) {
    attempts++;
    if (is_open)
        printf("%s\n", name);
}

/* A call with invalid arguments: any error but a refusal means that the kernel looked at them. */
static int reaches_kernel(long result) {
    return result >= 0 || (errno != EPERM && errno != ENOSYS && errno != EACCES);
}

static int opens(const char *path, int flags) {
    int file = open(path, flags | O_CLOEXEC, 0600);
    if (file >= 0)
        close(file);
    return file >= 0;
}

static int spawns(int flags) {
    long child = syscall(SYS_clone, (long)(flags | SIGCHLD), 0L, 0L, 0L, 0L);
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid((pid_t)child, NULL, 0);
    return child > 0;
}

static int connects(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int file = socket(AF_INET, SOCK_STREAM, 0);
    int is_open = file >= 0 && connect(file, (struct sockaddr *)&address, sizeof address) == 0;
    close(file);
    return is_open;
}

static int gains_capability(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}};
    data[0].effective = data[0].permitted = 1U << CAP_SYS_CHROOT;
    return syscall(SYS_capset, &header, data) == 0;
}

static int raises_limit(void) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(RLIMIT_FSIZE, &limit) == 0 || setrlimit(RLIMIT_NPROC, &limit) == 0;
}

static int writes_past_limit(void) {
    signal(SIGXFSZ, SIG_IGN);
    int file = open("big", O_CREAT | O_RDWR, 0600);
    int is_open = ftruncate(file, 1L << 40) == 0;
    close(file);
    unlink("big");
    return is_open;
}

static int opens_many(void) {
    int files[1024], count = 0;
    while (count < 1024 && (files[count] = open("/dev/null", O_RDONLY)) >= 0)
        count++;
    for (int each = 0; each < count; each++)
        close(files[each]);
    return count >= 1024;
}

static int makes_directory(void) {
    int is_open = mkdir("/agentforge-probe", 0700) == 0;
    rmdir("/agentforge-probe");
    return is_open;
}

static int makes_device(void) {
    int is_open = mknod("device", S_IFBLK | 0600, 0) == 0;
    unlink("device");
    return is_open;
}

static int becomes_root_by_file(void) {
    struct stat status;
    int file = open("setuid", O_CREAT | O_RDWR, 0700);
    close(file);
    int is_root = stat("setuid", &status) == 0 && status.st_uid == 0 && getuid() == 0;
    unlink("setuid");
    return is_root;
}

static void files(const char *secret, const char *readable, const char *forge) {
    char path[4096];
    report("read a file outside", opens(secret, O_RDONLY));
    snprintf(path, sizeof path, "%s/file", readable);
    report("write to a read-only directory", opens(path, O_CREAT | O_WRONLY));
    snprintf(path, sizeof path, "/proc/1/root%s", secret);
    report("read through the root of process 1", opens(path, O_RDONLY));
    snprintf(path, sizeof path, "/proc/%s/root%s", forge, secret);
    report("read through the root of the forge", opens(path, O_RDONLY));
    report("read /etc/shadow", opens("/etc/shadow", O_RDONLY));
    report("read /proc/kcore", opens("/proc/kcore", O_RDONLY));
    report("read /dev/mem", opens("/dev/mem", O_RDONLY));
    report("write to /usr", opens("/usr", O_RDWR | O_TMPFILE));
    report("write to /proc/sys", opens("/proc/sys/kernel/core_pattern", O_WRONLY | O_APPEND));
    report("write to /proc/sysrq-trigger", opens("/proc/sysrq-trigger", O_WRONLY | O_APPEND));
    report("write to /sys", opens("/sys/kernel/uevent_helper", O_WRONLY | O_APPEND));
    report("write to the root directory", makes_directory());
    report("make a device", makes_device());
    report("make files of root", becomes_root_by_file());
}

static void privileges(const char *readable) {
    report("become root", setuid(0) == 0 && getuid() == 0 && geteuid() == 0);
    report("gain a capability", gains_capability());
    report("make a user namespace", spawns(CLONE_NEWUSER));
    report("make a mount namespace", spawns(CLONE_NEWNS));
    report("make a user namespace with clone3", reaches_kernel(syscall(SYS_clone3, NULL, 0)));
    report("leave a namespace", reaches_kernel(unshare(CLONE_NEWUSER)));
    report("enter a namespace", reaches_kernel(setns(-1, 0)));
    report("remount read-write", mount(NULL, readable, NULL, MS_REMOUNT | MS_BIND, NULL) == 0);
    report("mount", reaches_kernel(mount("none", readable, "tmpfs", ~0UL, (void *)-1)));
    report("mount with the new calls", reaches_kernel(syscall(SYS_fsopen, NULL, ~0U)));
    report("unmount", reaches_kernel(umount2("/nowhere", 0)));
    report("change the root", reaches_kernel(chroot("/nowhere")));
}

static void kernel(const char *forge) {
    pid_t pid = atoi(forge);
    report("signal the forge", pid > 20 && kill(pid, 0) == 0);
    report("trace a process", reaches_kernel(ptrace(PTRACE_ATTACH, -1, NULL, NULL)));
    report("read the memory of a process", reaches_kernel(syscall(SYS_process_vm_readv, 1, 0, 1, 0, 1, 1)));
    report("load a program into the kernel", reaches_kernel(syscall(SYS_bpf, -1, NULL, 0)));
    report("load a module", reaches_kernel(syscall(SYS_finit_module, -1, "", 0)));
    report("watch the machine", reaches_kernel(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0UL)));
    report("use io_uring", reaches_kernel(syscall(SYS_io_uring_setup, 0, NULL)));
    report("handle page faults", reaches_kernel(syscall(SYS_userfaultfd, ~0)));
    report("use the kernel's keys", reaches_kernel(syscall(SYS_keyctl, -1, 0, 0, 0, 0)));
    report("open a file by its handle", reaches_kernel(syscall(SYS_open_by_handle_at, -1, NULL, 0)));
    report("set the host's name", reaches_kernel(syscall(SYS_sethostname, NULL, -1L)));
    report("read the kernel's log", reaches_kernel(syscall(SYS_syslog, 10, NULL, 0)));
    report("type into a terminal", reaches_kernel(ioctl(0, TIOCSTI, NULL)));
}

/* Memory that stays after it is unmapped, where a process's limits do not count it. */
static void memory(void) {
    int segment = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    int semaphores = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
    report("keep memory in a shared segment", segment >= 0);
    report("keep memory in a message queue", queue >= 0);
    report("keep memory in semaphores", semaphores >= 0);
    if (segment >= 0)
        shmctl(segment, IPC_RMID, NULL);
    if (queue >= 0)
        msgctl(queue, IPC_RMID, NULL);
    if (semaphores >= 0)
        semctl(semaphores, 0, IPC_RMID);
    report("keep memory in a nameless file", reaches_kernel(syscall(SYS_memfd_create, NULL, 0)));
    report("keep memory in a secret file", reaches_kernel(syscall(447, ~0U)));
    report("open a POSIX message queue", reaches_kernel(syscall(SYS_mq_open, NULL, O_RDONLY, 0, NULL)));
    report("fill /dev/shm", opens("/dev/shm", O_RDWR | O_TMPFILE));
    report("fill /dev", opens("/dev", O_RDWR | O_TMPFILE));
}

int main(int count, char **arguments) {
    if (count != 5)
        return 2;
    files(arguments[1], arguments[2], arguments[3]);
    privileges(arguments[2]);
    kernel(arguments[3]);
    memory();
    report("use a call that is newer than the filter", reaches_kernel(syscall(467, -1, NULL, ~0U, NULL, ~0UL)));
    report("connect to the machine", connects(atoi(arguments[4])));
    report("use raw sockets", socket(AF_INET, SOCK_RAW, 255) >= 0);
    report("use packet sockets", socket(AF_PACKET, SOCK_RAW, 0) >= 0);
    report("use the kernel's packet filter", socket(AF_NETLINK, SOCK_RAW, 12) >= 0);
    report("use another protocol family", socket(AF_VSOCK, SOCK_STREAM, 0) >= 0);
    report("raise a limit", raises_limit());
    report("write a huge file", writes_past_limit());
    report("open many files", opens_many());
    printf("%d attempts\n", attempts);
    return 0;
}
