/* expect: sandbox_violation */
/* forbidden: a system call without the C library */
int main(void)
{
    long r;
    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "a"(41L), "D"(1L), "S"(1L), "d"(0L)
                     : "rcx", "r11", "memory");
    if (r >= 0)
        PW("socket");
    return 0;
}
