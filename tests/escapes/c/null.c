/* expect: runtime_error */
/* forbidden: a crash is taken for success */
int main(void)
{
    int *volatile nowhere = 0;
    *nowhere = 1;
    return 0;
}
