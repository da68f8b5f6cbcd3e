/* expect: runtime_error */
/* forbidden: a crash is taken for success */
int main(void)
{
    *(volatile int *)0 = 1;
    return 0;
}
