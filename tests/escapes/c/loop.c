/* expect: tle */
/* forbidden: a program without end */
int main(void)
{
    for (volatile long i = 0;; i++)
        ;
}
