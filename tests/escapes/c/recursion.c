/* expect: runtime_error,mle */
/* forbidden: a stack without end */
int deep(int n)
{
    volatile char block[4096];
    block[0] = (char)n;
    return n == -1 ? 0 : deep(n + 1) + block[0];
}
int main(void)
{
    return deep(0);
}
