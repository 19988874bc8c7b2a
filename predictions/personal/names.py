"""What the finder of persons goes by: words before a name, and given names."""

import re
from typing import Final

# Said before a name, whatever the name is.
TITLES: Final = (
    "mr|mrs|ms|miss|mx|dr|prof|professor|sir|dame|herr|frau|señor|señora|"
    "monsieur|madame|signor|signora|nurse"
)
LEADS: Final = (
    "name is|named|called|signed|caller|call from|"
    "letter from|mail from|spoke to|spoke with|spoken to|contact person|"
    "next of kin|on behalf of|patient|customer|client|claimant|witness|neighbour|wife|"
    "husband|daughter|son|mother|father|brother|sister"
)
# Frequent given names in several countries, in their plain form.
GIVEN: Final = frozenset(
    re.findall(
        r"\w+",
        """
        aaron abdul adam ahmed aisha alan albert alex alexander ali alice amanda amir
        amy ana andrea andrew angela anita anna anne anthony antonio arthur barbara
        beatrice ben benjamin bernard beth bianca brian bruno camille carl carla
        carlos carmen caroline catherine charles charlotte chen chloe chris christian
        christina christine claire clara claudia colin daniel daniela david deborah
        diana diego dominic dorothy douglas edward elena eleanor elias elizabeth ella
        ellen emily emma eric erik esther ethan eva fatima felix fiona frances
        francesca francis frank frederick gabriel gareth george gerald giulia grace
        graham gregory hanna hannah harold harriet harry hassan heather heidi helen
        helena henry hiroshi hugo ian ibrahim ines ingrid irene isaac isabel isabella
        ivan jack jacob james jan jane janet jasmine jason javier jean jennifer
        jessica joan joanna johan john jonas jonathan jorge jose joseph joshua juan
        judith julia julian julie karen karim karl kate katherine keith kevin klaus
        kofi lara laura lauren leo leon leonard lewis li liam lina linda lisa louis
        louise lucas lucia lucy luis luke magda malik manuel marco margaret maria
        marie marina mario mark markus marta martha martin mary mateo matteo matthew
        maya mehmet mei melissa michael michelle miguel milan mohammed monica nadia
        naomi natalie nathan neil nicholas nicole nina noah noor olga oliver olivia
        omar oscar pablo patricia patrick paul paula pedro peter philip piotr priya
        rachel rafael ralph rania rebecca richard rita robert roberto robin rosa rose
        rosemary ruth ryan sally samir samuel sandra sara sarah sean sergio sharon
        simon sofia sonia sophie stefan stella stephanie stephen steven susan suzanne
        svetlana sven tamara tanya teresa thomas tim timothy tobias tom tomas ursula
        valentina vera veronica victor victoria vincent viktor walter wei william
        yasmin yusuf yvonne zara zoe
        """,
    )
)
