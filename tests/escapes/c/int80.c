/* expect: sandbox_violation */
/* forbidden: the 32-bit way into the kernel */
int main(void)
{
    long r;
    __asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "memory");
    if (r > 0)
        PW("getpid by int 0x80");
    return 0;
}
